/* Recipients offered while an address is typed: a combobox with a listbox, as ARIA describes it; the focus
 * stays in the field. */
import { announce, ask, icon, plural, word } from '../page.js';
import { isAddress } from './addresses.js';
import { avatar } from './avatar.js';

const PAUSE = 120; // milliseconds after the last key until the server is asked
const KEPT = 50; // answers that are remembered
const LONGEST = 200; // characters that are asked for
const URL_OF = '/mail/compose/people/';
const SAID = { contact: 'contact', group: 'users', correspondent: 'history', directory: 'at-sign' };
let made = 0; // for ids that no other list of the page has

export class Completing {
  /** `take(lines)` gets what was chosen: [{name, address}]; `has(address)` says who stands there already. */
  constructor(input, { take, has }) {
    Object.assign(this, { input, take, has, known: new Map(), found: [], active: -1, timer: 0, asking: null });
    const id = `people-${made += 1}`;
    this.panel = document.createElement('div');
    this.panel.className = 'suggest people__list';
    this.panel.id = id;
    this.panel.setAttribute('role', 'listbox');
    this.panel.setAttribute('aria-label', word('Suggestions'));
    this.panel.hidden = true;
    Object.entries({
      role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': id, 'aria-haspopup': 'listbox',
    }).forEach(([name, value]) => input.setAttribute(name, value));
    // A press on a line must not take the focus, and with it what is typed.
    this.panel.addEventListener('pointerdown', event => event.preventDefault());
    this.panel.addEventListener('click', event => {
      const line = event.target.closest('[role=option]');
      if (line) this.choose(Number(line.dataset.at));
    });
  }

  get isOpen() { return !this.panel.hidden; }

  /** The letters have changed. */
  typed() {
    clearTimeout(this.timer);
    this.asking?.abort();
    const text = this.input.value.trim().slice(0, LONGEST);
    if (!text) return this.close();
    const known = this.known.get(text.toLowerCase());
    if (known) return this.show(known, text);
    this.timer = setTimeout(() => this.ask(text), PAUSE);
  }

  /** Without a letter: whom one wrote to last. */
  recent() {
    if (!this.input.value.trim()) this.ask('');
  }

  async ask(text) {
    this.asking?.abort();
    const mine = this.asking = new AbortController();
    try {
      const response = await ask(`${URL_OF}?q=${encodeURIComponent(text)}`, {
        headers: { Accept: 'application/json', 'X-Requested-With': 'fetch' }, signal: mine.signal,
      });
      const { people } = response.ok ? await response.json() : { people: [] };
      if (this.known.size >= KEPT) this.known.clear();
      this.known.set(text.toLowerCase(), people);
      if (this.asking === mine && document.activeElement === this.input) this.show(people, text);
    } catch { /* nobody is offered: one can type on */ }
  }

  show(people, text) {
    this.found = people.filter(one => one.members ? one.members.length : !this.has(one.address));
    if (!this.found.length) return this.close();
    this.panel.replaceChildren(...this.found.map((one, at) => line(one, at, text, `${this.panel.id}-${at}`)));
    this.panel.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
    // Whoever has typed a whole address means that one.
    const same = this.found.findIndex(one => one.address?.toLowerCase() === text.toLowerCase());
    this.mark(isAddress(text) ? same : text ? 0 : -1);
    announce(plural(this.found.length, '%(count)s suggestion', '%(count)s suggestions'));
  }

  mark(at) {
    this.active = at;
    [...this.panel.children].forEach((one, place) => one.setAttribute('aria-selected', String(place === at)));
    const line = this.panel.children[at];
    if (!line) return this.input.removeAttribute('aria-activedescendant');
    this.input.setAttribute('aria-activedescendant', line.id);
    line.scrollIntoView({ block: 'nearest' });
  }

  choose(at) {
    const one = this.found[at];
    this.close();
    if (one) this.take(one.members ?? [one]);
  }

  close() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.panel.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
    this.active = -1;
  }

  /** Whether the key was one of the list's. */
  key(event) {
    if (event.key === 'ArrowDown' && !this.isOpen && !event.altKey) {
      this.input.value.trim() ? this.typed() : this.recent();
      return true;
    }
    if (!this.isOpen) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], count = this.found.length;
    if (step) this.mark(this.active < 0 && step < 0 ? count - 1 : (this.active + step + count) % count);
    else if (event.key === 'Escape') this.close();
    else if ((event.key === 'Enter' || event.key === 'Tab' && !event.shiftKey) && this.active >= 0) this.choose(this.active);
    else return false;
    return true;
  }
}

/** The words with what was typed marked in them. */
function marked(text, typed) {
  const made = document.createElement('bdi'), first = typed.toLowerCase().split(/\s+/)[0] ?? '';
  const at = first ? text.toLowerCase().indexOf(first) : -1;
  if (at < 0) made.append(text);
  else {
    const hit = document.createElement('b');
    hit.textContent = text.slice(at, at + first.length);
    made.append(text.slice(0, at), hit, text.slice(at + first.length));
  }
  return made;
}

function line(one, at, typed, id) {
  const item = document.createElement('div'), said = document.createElement('span'), hint = document.createElement('span');
  item.className = 'menu__item';
  item.id = id;
  item.dataset.at = at;
  item.setAttribute('role', 'option');
  item.setAttribute('aria-selected', 'false');
  const isGroup = Boolean(one.members);
  said.className = 'trunc';
  said.append(marked(one.name || one.address, typed));
  hint.className = 'hint trunc';
  if (isGroup) hint.textContent = plural(one.members.length, '%(count)s person', '%(count)s people');
  else if (one.name) hint.append(marked(one.address, typed));
  const source = {
    contact: word('In your contacts'), group: word('Group'), correspondent: word('You wrote to them'),
    directory: word('In your organisation'),
  }[one.from] ?? '';
  const sign = icon(SAID[one.from] ?? 'at-sign', 'i--sm');
  item.title = source;
  item.append(isGroup ? icon('users') : avatar(one.name || one.address, 'avatar--sm'), said, hint, isGroup ? '' : sign);
  return item;
}
