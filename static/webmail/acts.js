/* Acts on mail: what buttons, keys and forms ask for is sent without leaving the page, shown at once,
 * and can be taken back.
 *
 * The forms of the page say what there is to do (`_selbar.html`, `_act.html`, the menus). Everything
 * hangs on the document, so it holds after swaps. */
import { MARKS, mark, putBack, rename, takeOut } from './atonce.js';
import {
  $, $$, announce, currentRow, focusRow, key, rows, send, tell, toast, undoable, word,
} from './page.js';
import { isEverything, isListShown, tick, ticked, tickNone, whole } from './selection.js';
import { go } from './shell.js';

const ACTS = '/mail/acts/', UNDO = '/mail/undo/';
const LEAVES = new Set(['archive', 'junk', 'notjunk', 'inbox', 'trash', 'delete', 'move', 'snooze', 'wake']);

/** The message that is open beside the list, by the buttons above it. */
const openRef = () => $('.mail__read form[data-act] [name=ref]')?.value ?? '';

/** The refs that a form names, one by one: `12.3` is no part of `12.34`. */
const refsOf = fields => String(fields.ref ?? fields.one ?? '').split(/[ :]/);

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

/* ---- acting */

/** Does `verb` to rows (or, with `fields.all`, to all of a place), shows it at once, offers Undo. */
export async function act(verb, some, fields, what = '') {
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
  if (what === null || (fields.all && !leaves)) tell('changed');
  report(answer, { verb, refs: refsOf(fields), places, unmark, tokens });
}

/** Shows what an answer says: counts, rows that are gone, the words, and Undo. */
export function report(answer, { verb, refs, places = null, unmark = null, tokens = [answer.undo] }) {
  tell('counts', { counts: answer.counts });
  if (answer.gone?.length) tell('gone', { refs: answer.gone });
  const more = rows().filter(row => answer.gone?.includes(row.dataset.ref));
  if (more.length) (places ??= []).push(...takeOut(more));
  follow(verb, answer, refs, places?.next);
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

export function fieldsFor(some) {
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

/* ---- keys */

key('e', byKey('archive'));
key('#', byKey('trash', 'trash delete'));
key('!', byKey('junk', 'junk notjunk'));
key('s', byKey('star', 'star unstar'));
key('Shift+u', byKey('unread'));
key('Shift+i', byKey('read'));
key('z', () => {
  const shown = undoable();
  if (shown) shown.undo();
  else $('.toast form[data-undo]')?.requestSubmit();
});
