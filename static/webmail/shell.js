/* Links of the webmail without a new page: the parts that differ are put in their place, the address
 * changes, back and forward work, and what goes wrong is said with a way to try again. Without this
 * file every link is a page of its own. */
import { Idiomorph } from '../vendor/idiomorph.esm.js';
import { drop, steppedBack } from './over.js';
import { $, $$, announce, ask, currentRow, icon, send, tell, toast, word } from './page.js';

const LATE = 150; // milliseconds until something shows that we wait
const MESSAGE = /^\/mail\/[^/]+\/\d+\/$/;
// Pages that have the frame's panes; parts of a message, files and the like are opened by the browser.
const PLACE = /^\/mail\/(?:[\w-]+\/|label\/[^/]+\/|[\w-]+\/\d+\/)?$/;
const mail = () => $('.mail');
const list = () => $('.mail__list');
const reader = () => $('.mail__read');
let waiting = null; // the request under way, whose answer a newer one makes nobody's business
let blank = null; // the reader as it stands when nothing is open

/* ---- that we wait */

function late() {
  const bar = document.createElement('div');
  bar.className = 'progress';
  const timer = setTimeout(() => document.body.append(bar), LATE);
  return () => { clearTimeout(timer); bar.remove(); };
}

/** Lines in the shape of a message, where nothing stands yet that somebody could read. */
function skeleton(pane) {
  const timer = setTimeout(() => {
    if (!pane || !$('.empty', pane)) return;
    const box = document.createElement('div');
    box.className = 'skels';
    box.setAttribute('aria-hidden', 'true');
    for (const size of ['t', 'w', 'w', 'm', 'w', 's']) {
      const line = document.createElement('span');
      line.className = `skel skel--${size}`;
      box.append(line);
    }
    pane.replaceChildren(box);
  }, LATE);
  return () => clearTimeout(timer);
}

/* ---- where the panes stand */

/** Remembers in the history where the panes stand, for who comes back. */
export function keepScroll() {
  const kept = { list: $('.conv-list')?.scrollTop ?? 0, read: $('.thread')?.scrollTop ?? 0 };
  history.replaceState({ ...history.state, mail: true, kept }, '');
}

function restoreScroll(kept) {
  if (!kept) return;
  const rows = $('.conv-list'), thread = $('.thread');
  if (rows) rows.scrollTop = kept.list;
  if (thread) thread.scrollTop = kept.read;
}

/** What a list shows: its address without the message that is open. */
const listAt = () => list()?.dataset.at ?? '';

function note() {
  if (!list()) return;
  const link = $('[data-key=back]')?.getAttribute('href');
  list().dataset.at = MESSAGE.test(location.pathname) && link ? link : location.pathname + location.search;
  if ($('.empty', reader() ?? document.createElement('i'))) blank = reader().cloneNode(true);
}

/* ---- putting answers in their place */

function processed(element) {
  globalThis.htmx?.process(element);
  element.dispatchEvent(new CustomEvent('htmx:load', { bubbles: true, detail: { elt: element } }));
  element.dispatchEvent(new CustomEvent('htmx:afterSwap', { bubbles: true, detail: { elt: element } }));
}

/** One h1 and one #main: those of the message while it is open. */
function oneHeading() {
  const open = $('h1', reader() ?? document.createElement('i'));
  const above = list() && $('.bar--list h1, .bar--list .bar__title', list());
  if (above && Boolean(open) === (above.localName === 'h1')) {
    const made = document.createElement(open ? 'h2' : 'h1');
    made.className = open ? 'bar__title' : '';
    made.append(...above.childNodes);
    above.replaceWith(made);
  }
  if (!list()) return;
  if ($('#main', reader() ?? document.createElement('i'))) list().removeAttribute('id');
  else list().id = 'main';
}

/** Shows what a page has to say as it would have shown it. */
export function toasts(page) {
  $$('.toasts .toast', page).forEach(told => toast($('span', told)?.textContent ?? '', {
    kind: told.classList.contains('toast--bad') ? 'bad' : 'ok',
  }));
}

/** Puts a whole page's panes in place of ours. */
function put(page) {
  const now = mail(), then = $('.mail', page);
  now.className = then.className;
  now.dataset.view = then.dataset.view;
  const side = $('#side', page);
  if (side) Idiomorph.morph($('#side'), side, { morphStyle: 'outerHTML' });
  const box = $('.searchbox input[type=search]'), wanted = $('.searchbox input[type=search]', page);
  if (box && wanted && document.activeElement !== box) box.value = wanted.value;
  const isPane = one => !one.matches('#side, .scrim, .mail__top');
  [...now.children].filter(isPane).forEach(one => one.remove());
  const panes = [...then.children].filter(isPane).map(one => document.importNode(one, true));
  now.append(...panes);
  panes.forEach(processed);
  document.title = page.title;
  toasts(page);
}

/** Puts a message into the reader and leaves the list as it stands, however far it was read on. */
function putMessage(page, row) {
  const found = $('.mail__read', page);
  const pane = reader();
  if (found) pane.replaceWith(document.importNode(found, true));
  else pane.replaceChildren(...[...page.body.childNodes].map(one => document.importNode(one, true)));
  mail().dataset.view = 'thread';
  const side = $('#side', page);
  if (side) Idiomorph.morph($('#side'), side, { morphStyle: 'outerHTML' });
  $$('article.conv[aria-current]').forEach(one => one.removeAttribute('aria-current'));
  row?.setAttribute('aria-current', 'true');
  const named = page.title || reader().dataset.title || $('h1', reader())?.textContent.trim();
  if (named) document.title = named.endsWith('· mailhost') ? named : `${named} · mailhost`;
  processed(reader());
  toasts(page);
}

function focusOn(heading) {
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** On a phone what could not be opened hides the list: the way back to it. */
function aside(box) {
  const back = document.createElement('button');
  back.className = 'btn btn--sm only-sm';
  back.type = 'button';
  back.textContent = word('Back to list');
  back.addEventListener('click', () => { box.remove(); mail().dataset.view = 'list'; });
  return back;
}

function trouble(pane, error, again) {
  const box = document.createElement('div');
  box.className = 'callout callout--bad shell__trouble';
  box.setAttribute('role', 'alert');
  const said = document.createElement('span');
  said.className = 'grow';
  said.textContent = error.message;
  const retry = document.createElement('button');
  retry.className = 'btn btn--sm';
  retry.type = 'button';
  retry.textContent = word('Try again');
  retry.addEventListener('click', () => { box.remove(); again(); });
  box.append(icon('circle-alert'), said, retry);
  if (mail()?.dataset.view === 'thread') box.append(aside(box));
  $('.shell__trouble', pane)?.remove();
  $('.skels', pane)?.remove();
  pane.prepend(box);
}

/* ---- going */

async function fetched(url, message) {
  waiting?.abort();
  const mine = waiting = new AbortController();
  const headers = message ? { 'HX-Request': 'true', 'HX-Target': 'mail__read' } : {};
  const response = await ask(url, { headers: { Accept: 'text/html', ...headers }, signal: mine.signal });
  const text = await response.text();
  if (mine.signal.aborted) throw new DOMException('newer', 'AbortError');
  const page = new DOMParser().parseFromString(text, 'text/html');
  if (response.ok) return { page, url: response.redirected ? response.url : url };
  const words = response.status === 404 ? word('This is not there any more.')
    : $('.callout, main p', page)?.textContent.trim() || word('This could not be shown.');
  throw Object.assign(new Error(words), { status: response.status });
}

/** Another address stands here; what lay over the page before gives its step in the history. */
function gone(url) {
  history[drop() ? 'replaceState' : 'pushState']({ mail: true }, '', url);
}

/** Goes to an address; `push` is false for back and forward, whose address stands already. */
export async function go(url, { push = true, row = null, kept = null, focus = true } = {}) {
  const message = MESSAGE.test(new URL(url, location).pathname) && Boolean(row) && Boolean(reader());
  if (push) keepScroll();
  if (!message && back(url, push, kept)) return;
  const stops = [late(), message ? skeleton(reader()) : () => {}];
  row?.setAttribute('aria-current', 'true');
  document.documentElement.classList.remove('side-open');
  try {
    const answer = await fetched(url, message);
    if (!$('.mail__read, .thread', answer.page) && !$('.mail', answer.page)) return location.assign(url);
    if (push) gone(answer.url);
    else if (!message) drop();
    if (message) putMessage(answer.page, row); else put(answer.page);
    if (!message) note();
    row?.classList.remove('is-unread');
    oneHeading();
    restoreScroll(kept);
    arrived(focus && push);
  } catch (error) {
    if (error.name === 'AbortError' || error.status === 401) return;
    const pane = (message ? reader() : list() ?? reader()) ?? $('.mail__wide');
    if (!pane) return location.assign(url);
    if (message) mail().dataset.view = 'thread';
    trouble(pane, error, () => go(url, { push, row, kept, focus }));
  } finally {
    stops.forEach(stop => stop());
  }
}

/** Back to the list that still stands here: no request, and its rows and place are kept. */
function back(url, push, kept) {
  const wanted = new URL(url, location), at = wanted.pathname + wanted.search;
  if (!list() || !blank || at !== listAt() || mail().dataset.view !== 'thread') return false;
  waiting?.abort();
  if (push) gone(at);
  mail().dataset.view = 'list';
  const row = currentRow();
  reader()?.replaceWith(blank.cloneNode(true));
  oneHeading();
  const count = $('.bar--list h1', list());
  document.title = `${count?.textContent.trim() ?? ''} · mailhost`;
  processed(reader());
  restoreScroll(kept);
  $('.conv__subj', row ?? document.createElement('i'))?.focus({ preventScroll: true });
  tell('changed');
  return true;
}

function arrived(focus) {
  announce(document.title.replace(/ · mailhost$/, ''));
  if (focus) focusOn($('.mail__read h1') ?? $('.mail__list h1') ?? $('.mail__wide h1'));
  tell('shown', { url: location.href });
}

function isOurs(link) {
  if (link.target || link.hasAttribute('download') || link.dataset.full !== undefined) return false;
  if ([...link.attributes].some(one => one.name.startsWith('hx-'))) return false;
  if (link.origin !== location.origin || !PLACE.test(link.pathname)) return false;
  return !(link.hash && link.pathname === location.pathname && link.search === location.search);
}

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey
    || event.altKey) return;
  const link = event.target.closest('a[href]');
  // From a page without panes (the settings) the whole page is asked for, with all its modules.
  if (!link || !isOurs(link) || !list() && !reader()) return;
  event.preventDefault();
  link.closest('details.menu')?.removeAttribute('open');
  const row = link.closest('article.conv');
  go(link.href, { row: row && list()?.contains(row) ? row : null });
});

addEventListener('popstate', event => {
  if (steppedBack()) return;
  if (!event.state?.mail || !PLACE.test(location.pathname)) return location.reload();
  const open = $$('.mail__list a.conv__subj').find(one => one.href === location.href);
  go(location.href, { push: false, kept: event.state.kept, row: open?.closest('article.conv') ?? null });
});

/* ---- how it looks: saved as it is changed */

export const looks = {
  layout: value => { document.body.dataset.layout = value; },
  density: value => { document.body.dataset.density = value; },
  has_shortcuts: value => { document.body.dataset.shortcuts = value ? 'on' : 'off'; },
  theme: value => {
    if (value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    // What was chosen here for this browser alone gives way to what was chosen for the person.
    try { localStorage.removeItem('mh-theme'); } catch { /* storage is off */ }
  },
};

/** Saves settings by name and shows them at once; what is not saved is said, and goes back. */
export async function prefer(fields, shown) {
  try {
    const answer = await send(document.body.dataset.settings, fields);
    for (const [name, value] of Object.entries(shown ?? fields)) {
      looks[name]?.(value);
      pressed(name, value);
    }
    return answer;
  } catch (error) {
    if (error.status !== 401) {
      toast(error.message, { kind: 'bad', retry: () => prefer(fields, shown) });
    }
    throw error;
  }
}

function pressed(name, value) {
  $$(`[data-view-menu] button[name="${name}"]`).forEach(one =>
    one.setAttribute('aria-pressed', one.value === value));
}

document.addEventListener('submit', event => {
  const form = event.target.closest('[data-view-menu]');
  if (!form || !event.submitter) return;
  event.preventDefault();
  form.closest('details').open = false;
  prefer({ [event.submitter.name]: event.submitter.value }).catch(() => {});
}, true);

const saves = $('[data-saves]');
if (saves) {
  $$('[data-scripted]').forEach(one => { one.hidden = false; });
  $$('[data-unscripted]').forEach(one => { one.hidden = true; });
  saves.addEventListener('submit', event => event.preventDefault());
  saves.addEventListener('change', async event => {
    const { name, type, checked, value } = event.target;
    const isSwitch = type === 'checkbox';
    const fields = isSwitch ? { switches: name, ...(checked ? { [name]: 'on' } : {}) } : { [name]: value };
    try {
      const answer = await prefer(fields, { [name]: isSwitch ? checked : value });
      // The page itself is written in the language.
      if (name === 'language') return location.reload();
      toast(answer.text || word('Saved'));
    } catch {
      if (isSwitch) event.target.checked = !checked;
    }
  });
}

document.addEventListener('mh:shown', () => tell('ready'));
if (mail() && (list() || reader())) {
  history.replaceState({ ...history.state, mail: true }, '');
  note();
}
