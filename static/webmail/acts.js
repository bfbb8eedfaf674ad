/* Acts on mail: selection, at-once changes, undo, keys, dragging, swiping.
 *
 * The forms of the page say what there is to do (`_selbar.html`, `_act.html`, the menus); this module
 * sends them without leaving the page. Everything hangs on the document, so it holds after swaps. */
import {
  $, $$, announce, currentRow, focusRow, key, plural, rows, send, tell, toast, undoable, word,
} from './page.js';
import { go } from './shell.js';

const ACTS = '/mail/acts/', UNDO = '/mail/undo/';
const LEAVES = new Set(['archive', 'junk', 'notjunk', 'inbox', 'trash', 'delete', 'move']);

/* ---- what is ticked */

const boxOf = row => $('.conv__av .cb', row);
const ticked = () => rows().filter(row => boxOf(row)?.checked);
const whole = () => $('#selwhole .cb');
const isEverything = () => !!whole()?.checked;
let anchor = null; // where a range begins

function tick(row, on) {
  const box = boxOf(row);
  if (!box) return;
  box.checked = on;
  row.classList.toggle('is-checked', on);
}

function tickNone() {
  rows().forEach(row => tick(row, false));
  if (whole()) whole().checked = false;
  update();
}

function tickAll() {
  rows().forEach(row => tick(row, true));
  update();
}

function tickRange(from, to, on) {
  const all = rows(), ends = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (ends[0] < 0) return;
  all.slice(ends[0], ends[1] + 1).forEach(row => tick(row, on));
}

/** Says in the bar how many are ticked, and offers all of the folder when the page is. */
function update() {
  const all = rows(), some = ticked(), said = $('#seln'), master = $('#selall');
  $('.conv-list')?.classList.toggle('is-selecting', some.length > 0);
  if (!said) return;
  if (master) {
    master.hidden = false;
    master.checked = some.length > 0 && some.length === all.length;
    master.indeterminate = some.length > 0 && some.length < all.length;
  }
  const box = whole(), count = Number(box?.dataset.count || 0);
  const offers = some.length > 0 && some.length === all.length && count > all.length;
  if (box) {
    if (!offers) box.checked = false;
    box.closest('label').classList.toggle('is-offered', offers);
  }
  const text = isEverything()
    ? plural(count, '%(count)s message selected', 'All %(count)s messages selected')
    : plural(some.length, '%(count)s selected', '%(count)s selected');
  if (said.textContent !== text) said.textContent = some.length ? text : said.dataset.none;
  showLabels(some);
  // One button for read and unread: what the first of both would change. The keys do either.
  const hasUnread = some.some(row => row.classList.contains('is-unread'));
  for (const [verb, isWanted] of [['read', hasUnread], ['unread', !hasUnread]]) {
    const button = $(`#selbar [name=verb][value=${verb}]`);
    if (button) button.hidden = !isWanted;
  }
}

/** Which labels all ticked rows have: the menu takes these off. */
function showLabels(some) {
  $$('#selbar [data-menu=label] [data-keyword]').forEach(item => {
    const on = some.length > 0 && some.every(row => hasLabel(row, item.dataset.keyword));
    item.value = `${on ? 'unlabel' : 'label'}:${item.dataset.keyword}`;
    item.setAttribute('aria-pressed', on);
  });
}

/** The keywords of a row: as it says them, else those of the labels that it shows. */
const labelsOf = row => (row.dataset.labels ?? $$('.tag', row).map(tag => $$('[data-menu=label] [data-keyword]')
  .find(item => item.dataset.name === tag.textContent)?.dataset.keyword ?? '').join(' ')).split(' ').filter(Boolean);
const hasLabel = (row, keyword) =>
  labelsOf(row).some(one => one.toLowerCase() === keyword.toLowerCase());

document.addEventListener('click', event => {
  const box = event.target.closest?.('.conv__av .cb');
  if (!box) return;
  const row = box.closest('.conv');
  if (event.shiftKey && anchor?.isConnected) tickRange(anchor, row, box.checked);
  anchor = row;
});

document.addEventListener('change', event => {
  const box = event.target;
  if (!box.matches?.('.cb')) return;
  if (box.id === 'selall') return box.checked ? tickAll() : tickNone();
  if (box.closest('.conv')) box.closest('.conv').classList.toggle('is-checked', box.checked);
  if (box.closest('.conv, #selbar')) update();
});

/* ---- changing the page at once, and back */

/** Takes rows out of the list; gives what `putBack` needs. */
function takeOut(some) {
  const all = rows(), out = new Set(some);
  const at = all.indexOf(some[some.length - 1]);
  const next = all.slice(at + 1).find(row => !out.has(row))
    ?? all.slice(0, at).reverse().find(row => !out.has(row));
  const had = some.some(row => row.contains(document.activeElement) || row.hasAttribute('aria-current'));
  const places = some.map(row => ({ row, parent: row.parentElement, after: row.previousSibling }));
  // The last one first: what stands before a row is then still there when it is put back.
  [...some].reverse().forEach(row => row.remove());
  hideDays();
  if (next && (had || document.activeElement === document.body)) focusRow(next);
  update();
  places.next = next ?? null;
  return places;
}

function putBack(places) {
  const lost = places.some(({ parent }) => !parent?.isConnected);
  for (const { row, parent, after } of places) {
    if (!parent?.isConnected || document.getElementById(row.id)) continue;
    if (after && after.parentElement === parent) after.after(row);
    else parent.prepend(row);
  }
  hideDays();
  if (lost) go(location.href, { push: false, focus: false });
  else if (places.length) focusRow(places[0].row);
  update();
}

/** The message that is open beside the list, by the buttons above it. */
const openRef = () => $('.mail__read form[data-act] [name=ref]')?.value ?? '';

/** What is open follows what was done: it goes, or is shown as it is now. */
async function follow(verb, answer, refs, next) {
  const open = openRef();
  if (!open) return;
  const isGone = answer.gone?.includes(open) || (verb === 'unread' && refs.includes(open));
  if (isGone) {
    const list = $('.mail__read [data-key=back]');
    if (!list) return;
    await go(list.href, { focus: !next });
    if (next) focusRow(document.getElementById(next.id));
  } else if (!LEAVES.has(verb) && refs.includes(open)) {
    const row = rows().find(one => one.dataset.ref === open) ?? null;
    await go(location.href, { push: false, row, focus: false });
  }
}

/** A day without rows has no heading. */
function hideDays() {
  let day = null, has = true;
  $$('.conv-day, article.conv').forEach(one => {
    if (!one.matches('.conv-day')) { has = true; return; }
    if (day) day.hidden = !has;
    day = one;
    has = false;
  });
  if (day) day.hidden = !has;
}

const MARKS = {
  star: row => star(row, true),
  unstar: row => star(row, false),
  read: row => unread(row, false),
  unread: row => unread(row, true),
  label: (row, keyword) => label(row, keyword, true),
  unlabel: (row, keyword) => label(row, keyword, false),
};

function star(row, on) {
  const button = $('.conv__star', row);
  if (!button) return;
  button.classList.toggle('is-on', on);
  button.setAttribute('aria-pressed', on);
  if (button.name === 'one') button.value = `${on ? 'unstar' : 'star'}:${row.dataset.ref}`;
}

function unread(row, on) {
  row.classList.toggle('is-unread', on);
  const from = $('.conv__from', row);
  let said = from && $('.vh', from);
  if (!said && on && from) {
    said = document.createElement('span');
    said.className = 'vh';
    said.textContent = `${word('Unread, from')} `;
    from.prepend(said);
  }
  if (said) said.hidden = !on;
}

function label(row, keyword, on) {
  const item = $(`[data-menu=label] [data-keyword="${CSS.escape(keyword)}"]`);
  const others = labelsOf(row).filter(one => one.toLowerCase() !== keyword.toLowerCase());
  row.dataset.labels = (on ? [...others, keyword] : others).join(' ');
  const name = item?.dataset.name ?? keyword;
  let line = $('.conv__l4', row);
  $$('.tag', row).forEach(tag => { if (tag.textContent === name) tag.remove(); });
  if (!on) return;
  if (!line) {
    line = document.createElement('div');
    line.className = 'conv__l4';
    $('.conv__main', row)?.append(line);
  }
  const tag = document.createElement('span');
  tag.className = `tag h${item?.dataset.hue ?? 1}`;
  tag.textContent = name;
  line.prepend(tag);
}

/** Marks rows; gives a function that makes them as they were. */
function mark(some, verb, what) {
  const before = some.map(row => ({
    row,
    isUnread: row.classList.contains('is-unread'),
    isStarred: !!$('.conv__star', row)?.classList.contains('is-on'),
    labels: row.dataset.labels,
    tags: $$('.tag', row),
  }));
  some.forEach(row => MARKS[verb](row, what));
  update();
  return () => {
    for (const { row, isUnread, isStarred, labels, tags } of before) {
      unread(row, isUnread);
      star(row, isStarred);
      if (!verb.endsWith('label')) continue;
      row.dataset.labels = labels ?? '';
      $$('.tag', row).forEach(tag => tag.remove());
      $('.conv__l4', row)?.prepend(...tags);
    }
    update();
  };
}

/** A message that was brought back has another number: its row, its links and buttons follow. */
function rename(row, renamed) {
  const old = row.dataset.ref, name = renamed[old];
  if (!name) return;
  const [, uid] = old.split('.'), [box, now] = name.split('.');
  row.dataset.ref = name;
  row.id = `c-${box}-${now}`;
  $$('a[href]', row).forEach(link => {
    link.setAttribute('href', link.getAttribute('href').replace(`/${uid}/`, `/${now}/`));
  });
  $$('[hx-get]', row).forEach(link => {
    link.setAttribute('hx-get', link.getAttribute('hx-get').replace(`/${uid}/`, `/${now}/`));
  });
  $$('[name=ref]', row).forEach(box_ => { box_.value = name; });
  $$('[name=one]', row).forEach(button => { button.value = button.value.replace(old, name); });
}

/* ---- acting */

/** Does `verb` to rows (or, with `fields.all`, to all of a place), shows it at once, offers Undo. */
async function act(verb, some, fields, what = '') {
  const leaves = LEAVES.has(verb), shown = fields.all ? rows() : some;
  const places = leaves ? takeOut(shown) : null;
  const unmark = !leaves && MARKS[verb] && what !== null ? mark(shown, verb, what) : null;
  if (fields.all) tickNone();
  const back = () => { if (places) putBack(places); else unmark?.(); };
  const again = () => act(verb, some, fields, what);
  const tokens = [];
  let answer;
  try {
    answer = await whileLeft(fields, tokens);
  } catch (error) {
    back();
    announce(error.message);
    toast(error.message, { kind: 'bad', retry: again });
    return;
  }
  tell('counts', { counts: answer.counts });
  if (answer.gone?.length) tell('gone', { refs: answer.gone });
  const more = leaves ? rows().filter(row => answer.gone?.includes(row.dataset.ref)) : [];
  if (more.length) places.push(...takeOut(more));
  follow(verb, answer, String(fields.ref ?? fields.one ?? ''), places?.next);
  if (what === null || (fields.all && !leaves)) tell('changed');
  // A request that outlives its page (page.js) carries 64 KB at most.
  const undo = tokens.length && !tokens.includes(null) && tokens.join('').length < 60_000
    ? () => takeBack(tokens, { places, unmark }) : undefined;
  toast(answer.text, { undo });
}

/** Asks again as long as the server says that something is left. */
async function whileLeft(fields, tokens) {
  let answer, done = 0, progress;
  do {
    answer = await send(ACTS, fields);
    tokens.push(answer.undo);
    done += answer.count;
    progress?.close();
    if (answer.left && answer.count) {
      progress = toast(word('%(done)s done, %(left)s left', { done, left: answer.left }));
    }
  } while (answer.left && answer.count);
  progress?.close();
  return answer;
}

async function takeBack(tokens, { places, unmark }) {
  let answer;
  try {
    answer = await send(UNDO, { token: tokens });
  } catch (error) {
    // The page stays as it is: that is how the mail is.
    announce(error.message);
    toast(error.message, { kind: 'bad' });
    return;
  }
  if (places) {
    places.forEach(({ row }) => { rename(row, answer.back); tick(row, false); });
    const names = new Set(Object.values(answer.back));
    putBack(places.filter(({ row }) => !answer.lost || names.has(row.dataset.ref)));
    tell('back', { refs: [...names] });
  } else if (unmark && !answer.lost) unmark();
  else tell('changed');
  tell('counts', { counts: answer.counts });
  toast(answer.text, { kind: answer.lost ? 'bad' : 'ok' });
}

/* ---- what a key or a button is meant for */

const isListShown = () => rows().some(row => row.offsetParent !== null);

function fieldsFor(some) {
  const form = $('#bulk');
  const has = name => form?.elements.namedItem(name)?.value;
  const fields = { whole: has('whole'), only: undefined };
  if (isEverything()) return { ...fields, all: whole().value, only: has('only') };
  return { ...fields, ref: some.map(row => row.dataset.ref).join(' ') };
}

/** The ticked rows, else the current one. */
function meant() {
  const some = ticked();
  if (some.length || isEverything()) return some;
  const row = currentRow();
  return row ? [row] : [];
}

/** By key: on what is ticked or current in the list; where only a message is open, on that. */
function byKey(verb, button = verb) {
  return () => {
    const some = isListShown() ? meant() : [];
    if (some.length || isEverything()) return act(verbFor(verb, some), some, { verb: verbFor(verb, some), ...fieldsFor(some) });
    const there = $$(`.mail__read [data-key]`).find(one => button.split(' ').includes(one.dataset.key));
    there?.click();
  };
}

/** What a key means depends on where one is, and on what is there. */
function verbFor(verb, some) {
  const offers = name => $(`#selbar [name=verb][value=${name}]`);
  if (verb === 'star') {
    return some.length && some.every(row => $('.conv__star', row)?.classList.contains('is-on'))
      ? 'unstar' : 'star';
  }
  if (verb === 'trash' && !offers('trash') && offers('delete')) return 'delete';
  if (verb === 'junk' && !offers('junk') && offers('notjunk')) return 'notjunk';
  return verb;
}

function openMenu(name) {
  return () => {
    let menu = isListShown() && (ticked().length || isEverything()) ? $(`#selbar [data-menu=${name}]`) : null;
    menu ??= $(`.mail__read [data-menu=${name}]`);
    const row = currentRow();
    if (!menu && row) {
      tick(row, true);
      update();
      menu = $(`#selbar [data-menu=${name}]`);
    }
    if (!menu) return;
    menu.open = true;
    showFilter(menu);
  };
}

function showFilter(menu) {
  const filter = $('[data-filter]', menu);
  if (!filter) return;
  filter.hidden = false;
  filter.value = '';
  pick(menu, '');
  filter.focus();
}

document.addEventListener('submit', event => {
  const form = event.target, button = event.submitter;
  if (!form.matches?.('form[data-act]') || event.defaultPrevented) return;
  const given = new FormData(form, button);
  const one = String(given.get('one') ?? '');
  const [verb, what = ''] = (one || String(given.get('verb') ?? '')).split(/:(.*)/s);
  // Where no list is on the screen the page that follows is the list: the form goes by itself.
  if (!isListShown()) return;
  const isNew = verb === 'label' && !what && !one;
  const some = targets(form, given, one ? what : '');
  event.preventDefault();
  button?.closest('details.menu')?.removeAttribute('open');
  if (!some.length && !given.get('all') && form.id === 'bulk') {
    return void toast(word('Choose a message first'), { kind: 'bad' });
  }
  if (isNew && !String(given.get('new') ?? '').trim()) return;
  const fields = Object.fromEntries([...given.keys()].filter(name => name !== 'next' && name !== 'csrfmiddlewaretoken')
    .map(name => [name, given.getAll(name).length > 1 ? given.getAll(name).join(' ') : given.get(name)]));
  if (one) delete fields.all;
  act(verb, some, fields, one ? '' : isNew ? null : what);
  if (isNew && form.elements.namedItem('new')) form.elements.namedItem('new').value = '';
}, true); // before the handler that shows a form as sent

/** The rows that a form is about. */
function targets(form, given, named) {
  const all = rows();
  if (named) return all.filter(row => row.dataset.ref === named);
  if (form.id === 'bulk') return ticked();
  // Of one message that is open the row stays, unless it is all of the conversation.
  return given.get('whole') ? all.filter(row => row.dataset.ref === given.get('ref')) : [];
}

/* ---- menus that pick: a word finds, arrows walk, Enter takes */

function pick(menu, text) {
  const wanted = text.trim().toLocaleLowerCase();
  $$('.menu__pick .menu__item', menu).forEach(item => {
    item.hidden = !item.textContent.toLocaleLowerCase().includes(wanted);
  });
}

// `toggle` comes late: who opened the menu by key may have typed a word by then, which has to stay.
document.addEventListener('toggle', event => {
  if (!event.target.matches?.('details[data-menu]') || !event.target.open) return;
  if (!document.activeElement.matches('[data-filter]')) showFilter(event.target);
}, true);

document.addEventListener('input', event => {
  if (event.target.matches?.('[data-filter]')) pick(event.target.closest('.menu'), event.target.value);
});

document.addEventListener('keydown', event => {
  const menu = event.target.closest?.('details[data-menu][open]');
  if (!menu) return;
  const items = $$('.menu__pick .menu__item', menu).filter(item => !item.hidden);
  if (event.key === 'Enter' && event.target.matches('[data-filter]')) {
    event.preventDefault();
    items[0]?.click();
  } else if (event.key === 'Enter' && event.target.matches('[name=new]')) {
    event.preventDefault();
    event.target.parentElement.querySelector('button')?.click();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const at = items.indexOf(document.activeElement), step = event.key === 'ArrowDown' ? 1 : -1;
    const next = at + step;
    (next < 0 ? $('[data-filter]', menu) : items[Math.min(next, items.length - 1)])?.focus();
  } else if (event.key === 'Escape') {
    event.preventDefault();
    event.stopPropagation();
    menu.open = false;
    $('summary', menu).focus();
  }
});

/* ---- keys */

const extend = step => () => {
  const all = rows(), row = currentRow() ?? all[0], next = all[all.indexOf(row) + step];
  if (!row) return;
  tick(row, true);
  if (next) { tick(next, true); focusRow(next); anchor = next; }
  update();
};

key('x', () => {
  const row = currentRow();
  if (!row || !boxOf(row)) return;
  tick(row, !boxOf(row).checked);
  anchor = row;
  update();
});
key('Shift+j', extend(1));
key('Shift+k', extend(-1));
key('* a', tickAll);
key('* n', tickNone);
key('e', byKey('archive'));
key('#', byKey('trash', 'trash delete'));
key('!', byKey('junk', 'junk notjunk'));
key('s', byKey('star', 'star unstar'));
key('Shift+u', byKey('unread'));
key('Shift+i', byKey('read'));
key('v', openMenu('move'));
key('l', openMenu('label'));
key('z', () => {
  const shown = undoable();
  if (shown) shown.undo();
  else $('.toast form[data-undo]')?.requestSubmit();
});

/* ---- dragging rows to a place; the keyboard's way is `v` and `l` */

let dragged = [];

document.addEventListener('dragstart', event => {
  const row = event.target.closest?.('article.conv');
  if (!row?.dataset.ref) return;
  dragged = boxOf(row)?.checked ? ticked() : [row];
  event.dataTransfer.effectAllowed = 'move';
  event.dataTransfer.setData('text/plain', '');
  const ghost = document.createElement('div');
  ghost.className = 'drag-ghost';
  ghost.textContent = plural(dragged.length, '%(count)s conversation', '%(count)s conversations');
  document.body.append(ghost);
  event.dataTransfer.setDragImage(ghost, -8, -8);
  document.body.classList.add('is-dragging');
  dragged.forEach(one => one.classList.add('is-dragged'));
});

const placeAt = event => (dragged.length ? event.target.closest?.('[data-mailbox], [data-label]') : null);

document.addEventListener('dragover', event => {
  const place = placeAt(event);
  $$('.is-drop').forEach(one => { if (one !== place) one.classList.remove('is-drop'); });
  if (!place) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = 'move';
  place.classList.add('is-drop');
});

document.addEventListener('drop', event => {
  const place = placeAt(event), some = dragged;
  endDrag();
  if (!place) return;
  event.preventDefault();
  const fields = { ...fieldsFor(some), all: undefined, ref: some.map(row => row.dataset.ref).join(' ') };
  if (place.dataset.label) {
    act('label', some, { ...fields, verb: 'label', label: place.dataset.label }, place.dataset.label);
    return;
  }
  const elsewhere = some.filter(row => !row.dataset.ref.startsWith(`${place.dataset.mailbox}.`));
  if (!elsewhere.length) return;
  fields.ref = elsewhere.map(row => row.dataset.ref).join(' ');
  act('move', elsewhere, { ...fields, verb: 'move', target: place.dataset.mailbox });
});

document.addEventListener('dragend', endDrag);

function endDrag() {
  dragged.forEach(one => one.classList.remove('is-dragged'));
  dragged = [];
  document.body.classList.remove('is-dragging');
  $$('.is-drop').forEach(one => one.classList.remove('is-drop'));
  $$('.drag-ghost').forEach(one => one.remove());
}

/* ---- touch: swipe right archives, a long press ticks */

const FAR = 90, STRAY = 40; // pixels
let swipe = null;

document.addEventListener('touchstart', event => {
  const row = event.target.closest?.('article.conv');
  const [finger] = event.touches;
  swipe = row && event.touches.length === 1 ? { row, x: finger.clientX, y: finger.clientY, far: 0 } : null;
}, { passive: true });

document.addEventListener('touchmove', event => {
  if (!swipe) return;
  const [finger] = event.touches, dx = finger.clientX - swipe.x, dy = Math.abs(finger.clientY - swipe.y);
  if (dy > STRAY) { endSwipe(); return; }
  swipe.far = Math.max(0, dx);
  swipe.row.style.transform = swipe.far > 10 ? `translateX(${swipe.far}px)` : '';
  swipe.row.classList.toggle('is-swiped', swipe.far > FAR);
}, { passive: true });

document.addEventListener('touchend', () => {
  const was = swipe;
  endSwipe();
  if (!was || was.far <= FAR || !$('#selbar [name=verb][value=archive]')) return;
  act('archive', [was.row], { ...fieldsFor([was.row]), all: undefined, ref: was.row.dataset.ref, verb: 'archive' });
});
document.addEventListener('touchcancel', endSwipe);

function endSwipe() {
  if (!swipe) return;
  swipe.row.style.transform = '';
  swipe.row.classList.remove('is-swiped');
  swipe = null;
}

document.addEventListener('contextmenu', event => {
  const row = event.target.closest?.('article.conv');
  if (!row || event.pointerType !== 'touch') return;
  event.preventDefault();
  tick(row, !boxOf(row)?.checked);
  anchor = row;
  update();
});

/* ---- what others changed: ticks that are gone, days that are empty */

document.addEventListener('htmx:afterSwap', update);
addEventListener('pageshow', update);
update();
