/* The search box: suggestions by keyboard, recent searches, filters in a dialog; more rows of results
 * under those that stand there; and what was looked for, marked in a message. Without this file the box
 * is a form, the filters are a page, and more rows are a link. */
import { $, $$, announce, ask, icon, plural, toast, word } from './page.js';

const PAUSE = 150; // milliseconds after the last key until the server is asked
const KEPT = 8; // recent searches
const SHOWN = 4; // of them in the list
const MARKED = 200000; // characters of a message that are looked through for marks

const form = $('#search'), input = $('#search-q');
const panel = $('#suggest'), list = $('#suggest-list'), foot = $('#suggest-recent');
let asking = null, timer = 0, active = -1, typed = '';

/* ---- recent searches: kept in this browser alone, and for this person alone */

const shelf = () => `mh-searches-${form.dataset.who}`;

function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(shelf()) ?? '[]');
    return Array.isArray(kept) ? kept.filter(one => typeof one === 'string').slice(0, KEPT) : [];
  } catch { return []; }
}

function keep(query) {
  const text = query.trim().slice(0, 500);
  if (!text) return;
  const kept = [text, ...recent().filter(one => one !== text)].slice(0, KEPT);
  try { localStorage.setItem(shelf(), JSON.stringify(kept)); } catch { /* not kept */ }
}

function forget() {
  try { localStorage.removeItem(shelf()); } catch { /* there is none */ }
}

/* ---- the list */

const options = () => $$('[role=option]', list);
const isOpen = () => !panel.hidden;

function choose(at) {
  const all = options();
  active = all.length ? (at + all.length) % all.length : -1;
  all.forEach((one, place) => one.setAttribute('aria-selected', place === active));
  if (active < 0) return input.removeAttribute('aria-activedescendant');
  input.setAttribute('aria-activedescendant', all[active].id);
  all[active].scrollIntoView({ block: 'nearest' });
}

function show(isShown) {
  panel.hidden = !isShown;
  input.setAttribute('aria-expanded', isShown);
  if (isShown) return;
  active = -1;
  input.removeAttribute('aria-activedescendant');
}

function close() {
  clearTimeout(timer);
  asking?.abort();
  show(false);
}

function remembered() {
  // The query of the page that stands here was not typed: it asks for nothing.
  const begin = input.value === input.defaultValue ? '' : input.value.trim().toLowerCase();
  const found = recent().filter(one => one !== input.value.trim() && one.toLowerCase().startsWith(begin));
  if (!found.length) return null;
  const group = document.createElement('div');
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', word('Recent searches'));
  const head = document.createElement('div');
  head.className = 'menu__head';
  head.setAttribute('aria-hidden', 'true');
  head.textContent = word('Recent searches');
  group.append(head, ...found.slice(0, SHOWN).map(text => {
    const line = document.createElement('div');
    line.className = 'menu__item';
    line.setAttribute('role', 'option');
    line.dataset.value = text;
    line.dataset.go = '';
    const said = document.createElement('span');
    said.className = 'trunc';
    said.dir = 'auto';
    said.textContent = text;
    line.append(icon('history'), said);
    return line;
  }));
  return group;
}

function fill(markup) {
  const page = new DOMParser().parseFromString(markup, 'text/html');
  const groups = [...page.body.children].map(one => document.importNode(one, true));
  const mine = remembered();
  list.replaceChildren(...groups, ...(mine ? [mine] : []));
  options().forEach((one, place) => { one.id = `suggest-${place}`; });
  foot.hidden = !mine;
  active = -1;
  input.removeAttribute('aria-activedescendant');
  const many = options().length;
  show(many > 0);
  if (many) announce(plural(many, '%(count)s suggestion', '%(count)s suggestions'));
}

async function suggest() {
  asking?.abort();
  const mine = asking = new AbortController();
  typed = input.value;
  try {
    const url = `${form.dataset.suggest}?${new URLSearchParams({ q: typed.slice(0, 2000) })}`;
    const response = await ask(url, { signal: mine.signal, headers: { 'X-Requested-With': 'fetch' } });
    const text = response.ok ? await response.text() : '';
    if (!mine.signal.aborted && document.activeElement === input) fill(text);
  } catch (error) {
    // Who is typing is not to be disturbed: without an answer there are no suggestions.
    if (error.name !== 'AbortError') show(false);
  }
}

function take(option) {
  input.value = option.dataset.value;
  if (option.dataset.go !== undefined) return form.requestSubmit();
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
  suggest();
}

function typing(event) {
  if (event.isComposing) return;
  if (event.key === 'Escape') {
    event.preventDefault();
    event.stopPropagation();
    if (isOpen()) close(); else input.blur();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    if (!isOpen()) suggest();
    else choose(event.key === 'ArrowDown' ? active + 1 : active < 0 ? -1 : active - 1);
  } else if (event.key === 'Enter' && isOpen() && active >= 0) {
    event.preventDefault();
    take(options()[active]);
  } else if (event.key === 'Tab') close();
}

if (form && input) {
  input.setAttribute('role', 'combobox');
  input.setAttribute('aria-autocomplete', 'list');
  input.setAttribute('aria-controls', 'suggest-list');
  input.setAttribute('aria-expanded', 'false');
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(suggest, PAUSE); });
  input.addEventListener('focus', () => { clearTimeout(timer); timer = setTimeout(suggest, PAUSE); });
  input.addEventListener('keydown', typing);
  // The list goes when the focus does; pressing a line of it keeps the focus in the box.
  panel.addEventListener('mousedown', event => event.preventDefault());
  form.addEventListener('focusout', event => { if (!form.contains(event.relatedTarget)) close(); });
  list.addEventListener('click', event => {
    const option = event.target.closest('[role=option]');
    if (option) take(option);
  });
  $('#suggest-clear').addEventListener('click', () => { forget(); input.focus(); suggest(); });
  form.addEventListener('submit', () => { keep(input.value); close(); });
}

/* Whoever signs out leaves no searches behind. */
document.addEventListener('submit', event => {
  if (form && new URL(event.target.action, location).pathname === '/logout/') forget();
});

/* ---- filters in a dialog */

async function filters(link) {
  const url = `${link.pathname}?${new URLSearchParams({ q: input.value })}`;
  const response = await ask(url);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const found = $('form.filters', page);
  if (!found) return location.assign(url);
  const box = document.createElement('dialog');
  box.className = 'dialog';
  box.setAttribute('aria-label', link.getAttribute('aria-label') || link.textContent.trim());
  box.append(document.importNode(found, true));
  box.addEventListener('close', () => box.remove());
  box.addEventListener('click', event => { if (event.target === box) box.close(); });
  document.body.append(box);
  box.showModal();
  $('input:not([type=hidden])', box).focus();
}

/* ---- more rows, under those that are there */

async function more(link) {
  link.classList.add('btn--loading');
  try {
    const response = await ask(link.href, { headers: { 'HX-Request': 'true', Accept: 'text/html' } });
    if (!response.ok) throw new Error(word('This could not be shown.'));
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const rows = [...page.body.children].map(one => document.importNode(one, true));
    const pager = link.closest('.pager'), held = pager.contains(document.activeElement);
    pager.replaceWith(...rows);
    const first = rows.find(one => one.matches('article'));
    if (held) $('.conv__subj', first ?? document.createElement('i'))?.focus({ preventScroll: true });
    const many = rows.filter(one => one.matches('article')).length;
    announce(plural(many, '%(count)s more message', '%(count)s more messages'));
  } catch (error) {
    link.classList.remove('btn--loading');
    if (error.status !== 401) toast(error.message, { kind: 'bad', retry: () => more(link) });
  }
}

document.addEventListener('click', event => {
  const plain = !event.button && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!plain || event.defaultPrevented) return;
  const options = event.target.closest('#search-options'), next = event.target.closest('[data-more-results]');
  if (options && input) {
    event.preventDefault();
    filters(options).catch(() => location.assign(options.href));
  } else if (next) {
    event.preventDefault();
    more(next);
  }
});

/* ---- what was looked for, marked in the message that is read */

/** A text as it is compared, and for each sign the place of the one it was made of. */
function folded(text) {
  let made = '';
  const places = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at].normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
    const plain = /\s/.test(sign) ? (made.endsWith(' ') ? '' : ' ') : sign;
    for (const one of plain) { made += one; places.push(at); }
  }
  return { made, places };
}

function* ranges(root, needles) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let left = MARKED;
  for (let node = walker.nextNode(); node && left > 0; node = walker.nextNode()) {
    left -= node.length;
    const { made, places } = folded(node.data.slice(0, MARKED));
    for (const needle of needles) {
      for (let at = made.indexOf(needle); at >= 0; at = made.indexOf(needle, at + needle.length)) {
        const range = new Range();
        range.setStart(node, places[at]);
        range.setEnd(node, places[at + needle.length - 1] + 1);
        yield range;
      }
    }
  }
}

function mark() {
  if (!globalThis.Highlight || !CSS.highlights) return;
  CSS.highlights.delete('found');
  const found = $('[data-needles]');
  if (!found) return;
  let needles;
  try { needles = JSON.parse(found.dataset.needles); } catch { return; }
  const all = $$('.msg__body, .thread__head h1').flatMap(one => [...ranges(one, needles)]);
  if (all.length) CSS.highlights.set('found', new globalThis.Highlight(...all));
}

document.addEventListener('mh:shown', mark);
document.addEventListener('htmx:load', mark);
mark();
