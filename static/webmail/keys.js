/* The keyboard: listens for all modules. What a key does is registered by key() of page.js; which keys
 * there are is the table of apps/webmail/shortcuts.py. */
import { $, $$, currentRow, focusRow, key, registered, rows } from './page.js';

const NEXT = 1200; // milliseconds in which the second key of two has to follow
const TYPING = 'input:not([type=checkbox],[type=radio],[type=button],[type=submit]),textarea,select,'
  + '[contenteditable=true]';
let first = '', firstAt = 0;

/** The name of a stroke. On a keyboard with other letters (Ukrainian) the key in that place counts. */
function named(event) {
  let stroke = event.key;
  if (/^\p{L}$/u.test(stroke)) {
    const place = /^Key([A-Z])$/.exec(event.code);
    if (!/^[a-z]$/i.test(stroke) && place) stroke = place[1];
    stroke = stroke.toLowerCase();
    if (event.shiftKey) stroke = `Shift+${stroke}`;
  } else if (event.shiftKey && stroke.length > 1) stroke = `Shift+${stroke}`;
  return event.ctrlKey || event.metaKey ? `Ctrl+${stroke}` : stroke;
}

const isOff = name => document.body.dataset.shortcuts === 'off' && !name.startsWith('Ctrl+');

function find(name) {
  const found = registered.get(name);
  return found && (!found.when || found.when()) ? found : null;
}

document.addEventListener('keydown', event => {
  if (event.defaultPrevented || event.altKey || event.isComposing || event.key === 'Shift') return;
  const name = named(event);
  // A dialog has the keyboard to itself, and so has a field; Ctrl+K opens the palette from a field too.
  if ($('dialog[open]') || isOff(name)) return;
  if (event.target.closest?.(TYPING) && !name.startsWith('Ctrl+')) return;
  const pair = first && Date.now() - firstAt < NEXT ? find(`${first} ${name}`) : null;
  first = '';
  const found = pair ?? find(name);
  if (found) {
    event.preventDefault();
    found.handler(event);
  } else if ([...registered.keys()].some(one => one.startsWith(`${name} `))) {
    [first, firstAt] = [name, Date.now()];
  }
});

/* ---- what the frame itself knows */

const isShown = element => element.offsetParent !== null;

/** The row `step` further; where the list is hidden behind a message, its conversation is opened. */
function move(step) {
  const all = rows(), at = all.indexOf(currentRow());
  const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + step))];
  if (!next) return;
  if (isShown(next)) focusRow(next);
  else if (at >= 0 && all[at] !== next) $('.conv__subj', next)?.click();
}

const hasRows = () => rows().length > 0;
key('j', () => move(1), { when: hasRows });
key('k', () => move(-1), { when: hasRows });
const inList = () => hasRows()
  && (document.activeElement === document.body || Boolean(document.activeElement.closest('.mail__list')));
key('ArrowDown', () => move(1), { when: inList });
key('ArrowUp', () => move(-1), { when: inList });
// A link or button that has the focus is pressed by Enter already.
key('Enter', () => $('.conv__subj', currentRow())?.click(), {
  when: () => Boolean(currentRow()) && !document.activeElement.closest('a,button,summary,input'),
});
const byName = name => () => $$(`[data-key="${name}"]`).find(isShown) ?? $(`[data-key="${name}"]`);
key('u', () => byName('back')().click(), { when: () => Boolean(byName('back')()) });

const side = slug => $(`#side [data-box="${slug}"]`);
for (const [letter, slug] of Object.entries({ i: 'inbox', s: 'starred', d: 'drafts', t: 'sent', a: 'archive' })) {
  key(`g ${letter}`, () => side(slug).click(), { when: () => Boolean(side(slug)) });
}
const searchbox = () => $('.searchbox input, input[type=search][name=q]');
key('/', () => { searchbox().focus(); searchbox().select(); }, { when: () => Boolean(searchbox()) });
key('?', () => $('#keys').showModal(), { when: () => Boolean($('#keys')) });

/* ---- the help sheet finds what is typed */

$('#keys-q')?.addEventListener('input', event => {
  const wanted = event.target.value.trim().toLowerCase();
  const lines = $$('#keys li');
  lines.forEach(line => { line.hidden = !line.textContent.toLowerCase().includes(wanted); });
  $$('#keys section').forEach(part => { part.hidden = $$('li', part).every(line => line.hidden); });
  $('#keys-none').hidden = lines.some(line => !line.hidden);
});
