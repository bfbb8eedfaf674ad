/* The list as it will be: rows go, come back and are marked before the server has answered. */
import { $, $$, focusRow, rows } from './page.js';
import { labelsOf, update } from './selection.js';
import { go } from './shell.js';

/** Takes rows out of the list; gives what `putBack` needs. */
export function takeOut(some) {
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

/** Whether two rows are of one conversation in one mailbox. */
const isSame = (one, other) => Boolean(one.dataset.thread) && one.dataset.thread === other.dataset.thread
  && one.dataset.ref?.split('.')[0] === other.dataset.ref?.split('.')[0];

export function putBack(places) {
  const lost = places.some(({ parent }) => !parent?.isConnected);
  for (const { row, parent, after } of places) {
    if (!parent?.isConnected || document.getElementById(row.id)) continue;
    // What was left of its conversation may have got a row meanwhile.
    const rest = rows().find(other => isSame(other, row));
    if (rest) rest.replaceWith(row);
    else if (after && after.parentElement === parent) after.after(row);
    else parent.prepend(row);
  }
  hideDays();
  if (lost) go(location.href, { push: false, focus: false });
  else if (places.length) focusRow(places[0].row);
  update();
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

export const MARKS = {
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
export function mark(some, verb, what) {
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
export function rename(row, renamed) {
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
