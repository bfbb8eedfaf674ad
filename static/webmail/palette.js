/* The command palette (Ctrl+K): folders, labels, settings and commands, found by a few letters. A combobox
 * with a listbox, as ARIA describes it: the focus stays in the field. */
import { $, $$, currentRow, icon, key, plural, announce, registered, word } from './page.js';
import { prefer } from './shell.js';

const dialog = $('#palette'), field = $('#palette-q'), box = $('#palette-list');
const MOST = 50;
let shown = [], at = 0;

/** Each with a name, a picture, keys, and what it does. */
function commands() {
  const follow = link => () => link.click();
  const press = name => () => registered.get(name)?.handler(new KeyboardEvent('keydown'));
  const can = name => registered.has(name) && (registered.get(name).when?.() ?? true);
  const made = [];
  const act = (name, text, symbol) => {
    if (can(name) && (currentRow() || $('.mail__read .thread'))) {
      made.push({ text, symbol, caps: name.split('+'), act: press(name) });
    }
  };
  act('e', word('Archive'), 'archive');
  act('#', word('Move to Trash'), 'trash-2');
  act('!', word('Report spam'), 'octagon-alert');
  act('s', word('Star'), 'star');
  act('Shift+u', word('Mark unread'), 'mail');
  act('v', word('Move to a folder'), 'folder-input');
  act('l', word('Label'), 'tag');
  // What the menu above a message offers: why it is here, print, headers, source.
  $$('.mail__read > .bar a.menu__item').forEach(link => made.push({
    text: link.textContent.trim(),
    symbol: $('use', link)?.getAttribute('href').split('#i-')[1] || 'ellipsis',
    act: follow(link),
  }));
  $$('#side a.nav__item[href]').forEach(link => made.push({
    text: (link.title || $('.trunc', link)?.textContent || link.textContent).trim(),
    symbol: ($('use', link)?.getAttribute('href') ?? '#i-folder').split('#i-')[1] || 'folder',
    hint: word('Go to'),
    act: follow(link),
  }));
  $('#palette-pages').content.querySelectorAll('a').forEach(page => made.push({
    text: page.textContent, symbol: page.dataset.icon, act: () => location.assign(page.href),
  }));
  const set = (text, symbol, fields) => made.push({ text, symbol, act: () => prefer(fields).catch(() => {}) });
  set(word('Layout: beside'), 'columns-3', { layout: 'beside' });
  set(word('Layout: below'), 'rows-2', { layout: 'below' });
  set(word('Layout: full page'), 'square', { layout: 'full' });
  set(word('Density: comfortable'), 'rows-2', { density: 'comfortable' });
  set(word('Density: compact'), 'list', { density: 'compact' });
  set(word('Theme: as the system'), 'monitor', { theme: 'system' });
  set(word('Theme: light'), 'sun-moon', { theme: 'light' });
  set(word('Theme: dark'), 'sun-moon', { theme: 'dark' });
  if (can('/')) made.push({ text: word('Search mail'), symbol: 'search', caps: ['/'], act: press('/') });
  made.push({ text: word('Keyboard shortcuts'), symbol: 'keyboard', caps: ['?'], act: () => $('#keys').showModal() });
  const out = $('form[action="/logout/"]');
  if (out) made.push({ text: word('Sign out'), symbol: 'log-out', act: () => out.requestSubmit() });
  return made;
}

/** How well letters fit a text, in their order: beginnings of words most; below 0 not at all. */
export function fit(letters, text) {
  const wanted = letters.toLowerCase().replace(/\s+/g, ''), within = text.toLowerCase();
  let score = within.includes(letters.toLowerCase().trim()) ? 50 : 0, from = 0;
  for (const letter of wanted) {
    const found = within.indexOf(letter, from);
    if (found < 0) return -1;
    if (found === 0 || /[^\p{L}\p{N}]/u.test(within[found - 1])) score += 8;
    if (found === from) score += 3;
    from = found + 1;
  }
  return score - within.length / 100;
}

let all = [];

function filter() {
  const wanted = field.value.trim();
  shown = all.map(one => ({ one, score: wanted ? fit(wanted, one.text) : 0 }))
    .filter(({ score }) => score >= 0 || !wanted)
    .sort((a, b) => b.score - a.score).slice(0, MOST).map(({ one }) => one);
  box.replaceChildren(...shown.map(line));
  $('#palette-none').hidden = shown.length > 0;
  if (wanted) announce(plural(shown.length, '%(count)s result', '%(count)s results'));
  choose(0);
}

function line(one, index) {
  const item = document.createElement('li');
  item.className = 'menu__item';
  item.id = `cmd-${index}`;
  item.setAttribute('role', 'option');
  const said = document.createElement('span');
  said.className = 'trunc';
  said.textContent = one.text;
  item.append(icon(one.symbol), said);
  const beside = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    item.append(made);
  };
  if (one.hint) beside('span', 'hint', one.hint);
  for (const cap of one.caps ?? []) beside('kbd', 'kbd', cap);
  item.addEventListener('click', () => run(one));
  return item;
}

function choose(index) {
  at = shown.length ? (index + shown.length) % shown.length : 0;
  [...box.children].forEach((item, number) => item.setAttribute('aria-selected', number === at));
  const chosen = box.children[at];
  if (chosen) field.setAttribute('aria-activedescendant', chosen.id);
  else field.removeAttribute('aria-activedescendant');
  chosen?.scrollIntoView({ block: 'nearest' });
}

function run(one) {
  dialog.close();
  one?.act();
}

function open() {
  all = commands();
  dialog.showModal();
  field.value = '';
  filter();
  field.focus();
}

if (dialog) {
  key('Ctrl+k', open);
  field.addEventListener('input', filter);
  field.addEventListener('keydown', event => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps) {
      event.preventDefault();
      choose(at + steps[event.key]);
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      run(shown[at]);
    }
  });
}
