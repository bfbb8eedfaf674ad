/* What every module of the webmail shares: words, toasts, requests, keys, and the rows of the list. */

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/* ---- words: English in the code, translated by the catalogue that /words/<language>.js brings. */

const filled = (text, values) =>
  text.replace(/%\((\w+)\)s/g, (all, name) => (name in values ? values[name] : all));

/** word('%(name)s is empty', {name: 'Inbox'}) */
export const word = (id, values = {}) =>
  filled(globalThis.gettext ? globalThis.gettext(id) : id, values);

/** plural(3, '%(count)s message', '%(count)s messages'): `count` is the number itself. */
export function plural(number, one, many, values = {}) {
  const text = globalThis.ngettext
    ? globalThis.ngettext(one, many, number) : number === 1 ? one : many;
  return filled(text, { count: number, ...values });
}

/* ---- said to who listens */

/** Says something to screen readers alone. */
export function announce(text) {
  let box = $('#said');
  if (!box) {
    box = document.createElement('div');
    box.id = 'said';
    box.className = 'vh';
    box.setAttribute('role', 'status');
    document.body.append(box);
  }
  box.textContent = '';
  // A text that is the same as the last one is not said again unless it was away.
  setTimeout(() => { box.textContent = text; }, 60);
}

/** A picture of the sprite. */
export function icon(name, cls = '') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', `i ${cls}`.trim());
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${document.body.dataset.icons}#i-${name}`);
  svg.append(use);
  return svg;
}

/* ---- toasts */

const SHOWN = 7000; // milliseconds

function box() {
  let found = $('.toasts');
  if (!found) {
    found = document.createElement('div');
    found.className = 'toasts';
    found.setAttribute('role', 'status');
    document.body.append(found);
  }
  return found;
}

// A box that says what is put into it has to be there before.
box();

function button(text, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', act);
  return made;
}

/** Shows `text` for seven seconds (`shown`, in milliseconds), or as long as somebody reads or reaches for it.
 *
 * `undo` and `retry` are functions; `kind` is 'ok' or 'bad'. Returns the element, which has `.close()`
 * and, where it can be undone, `.undo()`.
 */
export function toast(text, { undo, retry, kind = 'ok', action, shown = SHOWN } = {}) {
  const made = document.createElement('div');
  made.className = kind === 'bad' ? 'toast toast--bad' : 'toast';
  const said = document.createElement('span');
  said.textContent = text;
  made.append(icon(kind === 'bad' ? 'circle-alert' : 'check'), said);
  let timer;
  const start = () => { clearTimeout(timer); timer = setTimeout(made.close, shown); };
  const stop = () => clearTimeout(timer);
  made.close = () => {
    stop();
    // Who used the toast by keyboard goes on where they were, not at the top of the page.
    const held = made.contains(document.activeElement);
    made.remove();
    if (held) currentRow()?.querySelector('.conv__subj')?.focus({ preventScroll: true });
  };
  if (undo) {
    made.undo = () => { made.close(); undo(); };
    const undoing = button(word('Undo'), made.undo);
    undoing.dataset.undo = '';
    made.append(undoing);
  }
  if (retry) made.append(button(word('Try again'), () => { made.close(); retry(); }));
  if (action) made.append(button(action.text, () => { made.close(); action.act(); }));
  const dismiss = button('', made.close);
  dismiss.append(icon('x'));
  dismiss.setAttribute('aria-label', word('Dismiss'));
  made.append(dismiss);
  made.addEventListener('mouseenter', stop);
  made.addEventListener('mouseleave', start);
  made.addEventListener('focusin', stop);
  made.addEventListener('focusout', start);
  box().append(made);
  start();
  return made;
}

/** The newest toast that can be undone. */
export const undoable = () => $$('.toast').reverse().find(shown => shown.undo) ?? null;

/* ---- requests */

/** A request that was not done; `message` is a sentence for people, `status` 0 if nothing came. */
export class Refused extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

export const csrf = () => $('meta[name=csrf-token]')?.content ?? '';

const signInPath = () => document.body.dataset.login || '/login/';

/** Leads to sign-in, and back to this page. */
export function signIn() {
  location.assign(`${signInPath()}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

const asksForSignIn = response => response.status === 401
  || (response.redirected && new URL(response.url).pathname === signInPath());

function signedOut() {
  toast(word('You are signed out.'), { kind: 'bad', action: { text: word('Sign in'), act: signIn } });
  return new Refused(word('You are signed out.'), 401);
}

/** fetch that rejects with words: no connection, signed out. Other answers are the caller's. */
export async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(word('The server cannot be reached.'), 0);
  }
  if (asksForSignIn(response)) throw signedOut();
  return response;
}

function fields(given) {
  if (given instanceof FormData || given instanceof URLSearchParams) return new URLSearchParams(given);
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(given ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) made.append(name, one);
    }
  }
  return made;
}

/** Posts a form and gives the JSON of the answer; rejects with `Refused` and the server's words. */
export async function send(url, given) {
  const response = await ask(url, {
    method: 'POST',
    headers: { 'X-CSRFToken': csrf(), Accept: 'application/json', 'X-Requested-With': 'fetch' },
    body: fields(given),
    keepalive: true, // an act that was begun is done, though the page goes
  });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer ?? {};
  throw new Refused(answer?.error || word('This could not be done. Try again.'), response.status);
}

/* ---- keys: one register for all modules; keys.js listens */

export const registered = new Map();

/** Registers a key as DESIGN names it: 'e', '#', 'Shift+u', 'g i', '* a', 'Ctrl+k'. A capital letter is
 * the same as Shift and the letter. `when()` says whether the key means anything now. */
export function key(name, handler, { when } = {}) {
  registered.set(canonical(name), { handler, when });
}

/** One way to write a key: 'U' and 'Shift+U' are 'Shift+u'. */
export function canonical(name) {
  return name.split(' ').map(one => {
    const parts = one.length > 1 ? one.split('+').filter(Boolean) : [one];
    const last = parts.pop() ?? one;
    const shifted = /^\p{Lu}$/u.test(last);
    if (shifted && !parts.includes('Shift')) parts.push('Shift');
    return [...parts, shifted ? last.toLowerCase() : last].join('+');
  }).join(' ');
}

/* ---- the rows of the list */

export const rows = () => $$('article.conv').filter(row => !row.hidden);

/** The row that has the focus, else the one whose conversation is open or was last gone to. */
export function currentRow() {
  const all = rows();
  return all.find(row => row.contains(document.activeElement))
    ?? all.find(row => row.hasAttribute('aria-current')) ?? null;
}

/** Gives a row the focus and marks it. */
export function focusRow(row) {
  if (!row) return;
  $$('article.conv[aria-current]').forEach(other => {
    if (other !== row) other.removeAttribute('aria-current');
  });
  row.setAttribute('aria-current', 'true');
  $('.conv__subj', row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

/** Tells the other modules: tell('gone', {refs}) is `mh:gone` on the document. */
export const tell = (name, detail = {}) =>
  document.dispatchEvent(new CustomEvent(`mh:${name}`, { detail }));
