/* Recipients: each is a chip that can be walked to, changed, copied, dragged and taken away. What is sent is
 * the field beneath, which holds the same as text, with what is still being typed. */
import { $, $$, announce, plural, word } from '../page.js';
import { Person, isWhole, listed, people } from './addresses.js';
import { chip, draggable, known, reach } from './chip.js';
import { Completing } from './completing.js';

class Row {
  constructor(composer, box) {
    this.composer = composer;
    this.box = box;
    this.name = box.dataset.people;
    this.field = composer.field(this.name);
    this.label = $('label', box);
    this.place = document.createElement('div');
    this.place.className = 'people grow';
    this.place.setAttribute('role', 'group');
    this.place.setAttribute('aria-labelledby', this.label.id);
    this.input = document.createElement('input');
    this.completing = new Completing(this.input, {
      take: lines => this.take(lines.map(({ name, address }) => new Person(name, address, address))),
      has: address => Boolean(this.find(address)),
    });
    this.build();
    this.load();
  }

  build() {
    const { input, field, label } = this;
    Object.assign(input, {
      type: 'text', autocomplete: 'off', autocapitalize: 'none', spellcheck: false, id: `${field.id}-new`, inputMode: 'email',
      enterKeyHint: 'done',
    });
    input.setAttribute('aria-label', word('%(field)s: add recipient', { field: label.textContent }));
    input.setAttribute('aria-describedby', `people-hint-${this.composer.root.dataset.composer}`);
    label.htmlFor = input.id;
    field.hidden = true;
    field.before(this.place);
    this.place.append(input, this.completing.panel);
    input.addEventListener('input', event => this.typed(event));
    input.addEventListener('keydown', event => this.pressed(event));
    input.addEventListener('paste', event => this.pasted(event));
    input.addEventListener('blur', () => {
      if (this.isMoving) return; // it only changes its place
      this.completing.close();
      this.finish();
    });
    this.place.addEventListener('keydown', event => this.walked(event));
    this.place.addEventListener('click', event => this.clicked(event));
    this.place.addEventListener('dblclick', event => {
      const chip = event.target.closest('.to-chip');
      if (chip) this.edit(chip);
    });
    for (const kind of ['copy', 'cut']) this.place.addEventListener(kind, event => this.copied(event));
    draggable(this);
  }

  get chips() { return $$('.to-chip', this.place); }

  get people() { return this.chips.map(chip => known.get(chip)); }

  find(key) { return this.chips.find(chip => known.get(chip).key === key.toLowerCase()); }

  /** Draws what the field says. */
  load() {
    this.chips.forEach(chip => chip.remove());
    this.input.value = '';
    people(this.field.value).forEach(person => this.add(person));
    this.show(Boolean(this.field.value.trim()));
  }

  /** Says to the field what is drawn. */
  store() {
    const typed = this.input.value.trim(), text = listed(this.people);
    this.field.value = typed && text ? `${text}, ${typed}` : text || typed;
    this.input.placeholder = '';
  }

  changed() {
    this.store();
    this.field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  show(isShown = true) {
    if (this.name === 'to') return;
    this.box.hidden = !isShown;
    const button = $(`[data-more=${this.name}]`, this.composer.root);
    if (button) button.hidden = isShown;
  }

  add(person) {
    const there = this.find(person.key);
    if (there) {
      there.classList.remove('is-there');
      requestAnimationFrame(() => there.classList.add('is-there'));
      announce(word('%(name)s is here already', { name: person.shown }));
      return false;
    }
    this.input.before(chip(person));
    return true;
  }

  /** New ones in place of what is typed. */
  take(some) {
    this.input.value = '';
    const added = some.filter(person => this.add(person));
    if (added.length) {
      const odd = added.find(person => !person.address);
      announce(odd ? word('%(text)s is no address', { text: odd.words })
        : added.length === 1 ? word('%(name)s added', { name: added[0].shown })
          : plural(added.length, '%(count)s recipient added', '%(count)s recipients added'));
    }
    this.settle();
    this.changed();
  }

  /** What is typed becomes chips; whether there was anything. */
  finish() {
    const typed = this.input.value;
    if (typed.trim()) this.take(people(typed, { isPasted: true }));
    else if (this.input.nextElementSibling !== this.completing.panel) this.settle();
    return Boolean(typed.trim());
  }

  /** The field goes back behind the last chip. */
  settle() {
    if (this.input.nextElementSibling === this.completing.panel) return;
    const held = document.activeElement === this.input;
    this.move(() => this.completing.panel.before(this.input));
    if (held) this.input.focus();
  }

  move(act) {
    this.isMoving = true;
    act();
    this.isMoving = false;
  }

  typed(event) {
    const typed = this.input.value, last = typed.at(-1);
    if (!event.isComposing && (last === ',' || last === ';') && isWhole(typed.slice(0, -1))) {
      this.completing.close();
      this.input.value = typed.slice(0, -1);
      this.finish();
      return;
    }
    this.store();
    this.completing.typed();
  }

  pressed(event) {
    const { input } = this;
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (this.completing.key(event)) {
      // Tab takes the line and stays: so does Enter; the composer's own keys are not meant.
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.completing.close();
      if (!this.finish()) this.composer.field('subject').focus();
    } else if ((event.key === 'Backspace' || event.key === 'ArrowLeft') && !input.selectionEnd && input.selectionStart === 0) {
      const before = input.previousElementSibling;
      if (!before) return;
      event.preventDefault();
      event.stopPropagation(); // else the row would take the same key for one at the chip
      reach(before); // a second Backspace takes it away: nobody goes by mistake
    }
  }

  pasted(event) {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    const some = people(text, { isPasted: true });
    if (!some.length || some.length === 1 && !some[0].address && !/[,;\n]/.test(text.trim())) return;
    event.preventDefault();
    const { value, selectionStart, selectionEnd } = this.input;
    const rest = (value.slice(0, selectionStart) + value.slice(selectionEnd)).trim();
    if (rest) return this.take(people(`${value.slice(0, selectionStart)}${text}${value.slice(selectionEnd)}`, { isPasted: true }));
    this.completing.close();
    this.take(some);
  }

  /* ---- chips */

  walked(event) {
    const at = event.target.closest('.to-chip');
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const stops = [...this.chips, this.input], place = stops.indexOf(at);
    const to = { ArrowLeft: Math.max(0, place - 1), ArrowRight: place + 1, Home: 0, End: stops.length - 1 }[event.key];
    if (to !== undefined) reach(stops[to]);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.remove(at, event.key === 'Backspace' ? -1 : 1);
    else if (event.key === 'Enter' && !event.target.closest('.chip__x') || event.key === 'F2') this.edit(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  clicked(event) {
    const at = event.target.closest('.to-chip');
    if (!at) {
      if (event.target === this.place) this.input.focus();
    } else if (event.target.closest('.chip__x')) this.remove(at);
    // A finger has no second click: a chip that is reached already is changed.
    else if (at.classList.contains('is-reached') && matchMedia('(pointer: coarse)').matches) this.edit(at);
    else reach(at);
  }

  remove(at, step = 1) {
    const stops = [...this.chips, this.input], place = stops.indexOf(at), { shown } = known.get(at);
    const next = stops[place + (step < 0 && place > 0 ? -1 : 1)];
    at.remove();
    reach(next);
    announce(word('%(name)s removed', { name: shown }));
    this.changed();
  }

  /** The chip becomes text in its place. */
  edit(at) {
    this.finish();
    const { text } = known.get(at);
    this.move(() => at.replaceWith(this.input));
    this.input.value = text;
    this.input.focus();
    this.input.select();
    this.changed();
  }

  copied(event) {
    const at = event.target.closest('.to-chip');
    if (!at) return;
    event.preventDefault();
    event.clipboardData.setData('text/plain', known.get(at).text);
    if (event.type === 'cut') this.remove(at);
  }

  /** The server did not take it. */
  refused() {
    this.show();
    const odd = this.chips.find(chip => !known.get(chip).address);
    if (odd) reach(odd); else this.input.focus();
  }
}

/** Sets up the recipients of `composer`. */
export function start(composer) {
  const rows = $$('[data-people]', composer.root).map(box => new Row(composer, box));
  const named = name => rows.find(row => row.name === name);
  composer.root.addEventListener('click', event => {
    const name = event.target.closest('[data-more]')?.dataset.more;
    if (!name) return;
    named(name).show();
    named(name).input.focus();
  });
  composer.on('put', () => rows.forEach(row => row.load()));
  composer.on('invalid', ({ field }) => named(field)?.refused());
  composer.on('beforesend', () => rows.forEach(row => row.finish()));
}
