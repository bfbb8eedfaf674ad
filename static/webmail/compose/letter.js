/* What belongs to one letter on the page: its fields, what it says to its writer, and where it stands. The
 * other modules of this folder know it as `composer`, by `on`, `emit`, `fields`, `save` and `editor`. */
import { lift } from '../over.js';
import { $, icon, tell, word } from '../page.js';
import { fetched } from './fetching.js';

const OTHER = new Set(['csrfmiddlewaretoken', 'revision', 'when', 'archive', 'attach']);
const OWN = ['subject', 'html', 'text', 'to', 'cc', 'bcc'];

export class Composer {
  constructor(root, opener) {
    this.root = root;
    this.form = $('form', root);
    this.opener = opener;
    this.heard = new Map();
    this.editor = null;
  }

  /* ---- what the modules say to each other */

  on(name, act) { this.heard.set(name, [...this.heard.get(name) ?? [], act]); }

  emit(name, detail) { (this.heard.get(name) ?? []).forEach(act => act(detail)); }

  /** Whether nobody who was asked says false. */
  async asked(name, detail) {
    for (const act of this.heard.get(name) ?? []) if (await act(detail) === false) return false;
    return true;
  }

  /* ---- the letter */

  draft() { return this.root.dataset.composer; }

  base() { return new URL(this.form.action).pathname; }

  field(name) { return this.form.elements.namedItem(name); }

  get revision() { return this.field('revision').value; }

  set revision(value) { this.field('revision').value = String(value); }

  /** What the letter says, without what belongs to this tab. */
  fields() {
    this.editor?.store();
    const made = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) {
      if (typeof value === 'string' && !OTHER.has(name)) made.append(name, value);
    }
    return made;
  }

  /** The same with what a request needs. */
  whole(fields, more = {}) {
    const made = new URLSearchParams(fields);
    made.set('revision', this.revision);
    for (const [name, value] of Object.entries(more)) made.set(name, value);
    return made;
  }

  /** Fields of elsewhere (another tab, this device) in place of ours. */
  put(fields) {
    for (const name of OWN) if (typeof fields[name] === 'string' && this.field(name)) this.field(name).value = fields[name];
    if ('receipt' in fields) this.field('receipt').checked = Boolean(Number(fields.receipt) || fields.receipt === true);
    if (fields.from) this.emit('from-wanted', fields.from);
    this.editor.load(Boolean(Number(fields.plain) || fields.plain === true));
    this.emit('put', fields);
    this.title();
  }

  touched() { this.saver?.touched(); }

  save() { return this.saver.save(); }

  /** Becomes another letter with the same words. */
  async rename() {
    const fresh = await fetched('/mail/compose/');
    this.root.dataset.composer = fresh.dataset.composer;
    this.form.action = $('form', fresh).action;
    this.revision = 0;
    this.clear();
    this.emit('renamed');
  }

  title() {
    const text = this.field('subject').value.trim() || this.root.dataset.title;
    $('.composer__title', this.root).textContent = text;
  }

  /* ---- what it says to its writer */

  /** Says what went wrong, with ways on: [text, act]. */
  say(text, { actions = [], field = '', kind = 'bad' } = {}) {
    const box = $('[data-bar]', this.root), told = document.createElement('div'), said = document.createElement('span');
    told.className = `callout callout--${kind}`;
    told.setAttribute('role', 'alert');
    said.className = 'grow';
    said.textContent = text;
    told.append(icon(kind === 'bad' ? 'circle-alert' : 'info'), said);
    for (const [name, act] of [...actions, ['', () => this.clear()]]) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = name ? 'btn btn--sm' : 'btn btn--ghost btn--icon btn--sm';
      if (name) button.textContent = name;
      else button.append(icon('x'));
      if (!name) button.setAttribute('aria-label', word('Dismiss'));
      button.addEventListener('click', () => act());
      told.append(button);
    }
    box.replaceChildren(told);
    box.hidden = false;
    this.emit('invalid', { field, text });
    const named = field && this.field(field);
    if (field === 'text' || field === 'html') this.editor.reach();
    else if (named?.focus && named.offsetParent) named.focus();
  }

  clear() {
    const box = $('[data-bar]', this.root);
    box.replaceChildren();
    box.hidden = true;
  }

  /* ---- where it stands */

  minimise(isSmall = !this.root.classList.contains('composer--min')) {
    this.root.classList.toggle('composer--min', isSmall);
    if (isSmall) this.full(false);
    const button = $('[data-compose=minimise]', this.root);
    button?.setAttribute('aria-pressed', String(isSmall));
    button?.setAttribute('aria-label', isSmall ? word('Show again') : word('Minimise'));
    if (isSmall) this.save().catch(() => {});
    else if (document.activeElement === document.body || this.root.contains(document.activeElement)) this.editor?.reach();
  }

  full(isFull = !this.root.classList.contains('composer--full')) {
    this.root.classList.toggle('composer--full', isFull);
    if (isFull) this.minimise(false);
    $('[data-compose=full]', this.root)?.setAttribute('aria-pressed', String(isFull));
  }

  /** Saves, then goes; what cannot be saved now stays on this device, and is said. */
  async close() {
    try {
      await this.save();
    } catch (error) {
      if (error.status !== 0) return; // it says itself what is wrong
    }
    if (this.saver.isHeld) return;
    this.remove();
  }

  /** Takes it from the page. */
  remove() {
    this.emit('close');
    this.saver.end();
    const isPage = this.root.classList.contains('composer--page');
    const isLaid = this.isLaid;
    this.isLaid = false;
    this.root.remove();
    if (isLaid) lift();
    if (isPage) return leave();
    tell('written');
    const back = this.opener?.isConnected ? this.opener : $('.mail__read h1, .mail__list h1, a[data-write]');
    back?.focus?.({ preventScroll: true });
  }
}

/** The page was the composer: on to the mail. */
async function leave() {
  const { go } = await import('../shell.js');
  go(document.body.dataset.home || '/mail/');
}
