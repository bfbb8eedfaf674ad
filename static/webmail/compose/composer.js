/* A composer: what belongs to one letter on the page, and where it stands there. The other modules of this
 * folder know it by `on`, `emit`, `fields`, `save` and `editor`. */
import { lay, lift } from '../over.js';
import { $, $$, Refused, announce, ask, icon, tell, word } from '../page.js';
import { start as edit } from './editor.js';
import { kept } from './local.js';
import { Saver } from './saving.js';
import { start as sendable } from './sending.js';
import { start as signed } from './sender.js';

const OTHER = new Set(['csrfmiddlewaretoken', 'revision', 'when', 'archive', 'attach']);
const OWN = ['subject', 'html', 'text', 'to', 'cc', 'bcc'];
const isPhone = () => matchMedia('(max-width: 900px)').matches;
const opened = new Map(); // composers by their section

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
    opened.delete(this.root);
    const isPage = this.root.classList.contains('composer--page');
    const isLaid = this.isLaid;
    this.isLaid = false;
    this.root.remove();
    if (isLaid) lift();
    if (isPage) return leave();
    const back = this.opener?.isConnected ? this.opener : $('.mail__read h1, .mail__list h1, a[data-write]');
    back?.focus?.({ preventScroll: true });
  }
}

/** The page was the composer: on to the mail. */
async function leave() {
  const { go } = await import('../shell.js');
  go(document.body.dataset.home || '/mail/');
}

/* ---- opening */

async function fetched(url) {
  const response = await ask(url, { headers: { Accept: 'text/html', 'HX-Request': 'true' } });
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const section = $('section.composer', page);
  if (response.ok && section) {
    await Promise.all($$('link[rel=stylesheet]', page).map(dressed));
    return document.importNode(section, true);
  }
  throw new Refused(response.status === 404 ? word('This is not there any more.') : word('This could not be shown.'),
    response.status);
}

/** The looks of the composer, once. */
function dressed(link) {
  if ($$('link[rel=stylesheet]').some(one => one.href === link.href)) return undefined;
  const made = document.createElement('link');
  made.rel = 'stylesheet';
  made.href = link.href;
  const ready = new Promise(resolve => { made.onload = made.onerror = resolve; });
  document.head.append(made);
  return ready;
}

function holder() {
  let found = $('.composers');
  if (!found) {
    found = document.createElement('div');
    found.className = 'composers';
    document.body.append(found);
  }
  return found;
}

const here = url => [...opened.values()].find(one => one.base() === new URL(url, location).pathname);
let opening = null; // a second press while the first is on its way means the same

/** Opens the letter at `url` over the page, or shows it if it is open. */
export function open(url, options) {
  opening ??= opens(url, options).finally(() => { opening = null; });
  return opening;
}

async function opens(url, { opener = null } = {}) {
  const open = here(url);
  if (open) {
    open.minimise(false);
    open.editor.reach();
    return open;
  }
  const id = /[0-9a-f-]{36}/.exec(new URL(url, location).pathname)?.[0];
  const copy = id && kept(document.body.dataset.who ?? '', id);
  let section;
  try {
    section = await fetched(url);
  } catch (error) {
    // It was never saved: its words are here, and its name with them.
    if (error.status !== 404 || !copy) throw error;
    section = await fetched('/mail/compose/');
    section.dataset.composer = id;
    $('form', section).action = copy.base;
  }
  for (const other of opened.values()) {
    if (isPhone()) other.close();
    else if (!other.root.classList.contains('composer--page')) other.minimise(true);
  }
  holder().append(section);
  const composer = begin(section, opener);
  if (copy) restore(composer, copy);
  if (isPhone()) {
    composer.isLaid = true;
    lay(() => {
      if (!composer.isLaid) return;
      composer.isLaid = false;
      composer.close();
    });
  }
  return composer;
}

/** What this device kept is newer than what the server has. */
function restore(composer, { fields }) {
  const ours = Object.fromEntries(fields);
  composer.put({ receipt: '', plain: '', ...ours });
  if (ours.revision) composer.revision = ours.revision;
  composer.touched();
  announce(word('What was kept on this device is here again.'));
}

/** A composer that stands in the page already. */
export function start(section) {
  const composer = begin(section, null);
  const copy = kept(document.body.dataset.who ?? '', composer.draft());
  if (copy) restore(composer, copy);
  return composer;
}

function begin(section, opener) {
  const composer = new Composer(section, opener);
  opened.set(section, composer);
  section.classList.add('is-scripted');
  $$('[data-unscripted]:not(select)', section).forEach(one => one.remove());
  globalThis.htmx?.process(section);
  edit(composer);
  signed(composer);
  sendable(composer);
  parts.forEach(part => part(composer));
  composer.saver = new Saver(composer);
  listen(composer);
  composer.title();
  if (!section.contains(document.activeElement)) focus(composer);
  tell('composing', { composer });
  return composer;
}

function focus(composer) {
  const to = $$('[data-people=to] :is(input, textarea)', composer.root).find(one => one.offsetParent);
  if (composer.field('to')?.value.trim() || !to) {
    if (composer.field('subject').value.trim()) composer.editor.begin();
    else composer.field('subject').focus();
  } else to.focus({ preventScroll: true });
}

const ACTS = {
  minimise: composer => composer.minimise(),
  full: composer => composer.full(),
  close: composer => composer.close(),
  attach: composer => composer.emit('attach'),
};

function listen(composer) {
  const { root, form } = composer;
  root.addEventListener('click', event => {
    const button = event.target.closest('[data-compose]');
    ACTS[button?.dataset.compose]?.(composer);
  });
  $('.composer__head', root).addEventListener('dblclick', event => {
    if (!event.target.closest('button')) composer.minimise();
  });
  form.addEventListener('submit', event => event.preventDefault());
  composer.field('subject').addEventListener('input', () => composer.title());
  composer.field('subject').addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    composer.editor.reach();
  });
  // The keys of the page mean nothing while somebody writes, on its buttons neither.
  root.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.key === 'Tab') return;
    if (event.key !== 'Escape') return event.stopPropagation();
    if (event.defaultPrevented || $('details[open]', root) || $('dialog[open]') || root.matches('.composer--page')) return;
    event.preventDefault();
    composer.close();
  });
}

const parts = [];
