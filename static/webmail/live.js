/* Keeps what is on the screen current: counts, rows, the open conversation. The server says what has
 * changed, on one stream for all tabs of a browser (browsers open six connections to a host at most);
 * where no stream gets through, one tab asks every half minute. Rows never move under the pointer:
 * what is new waits behind a button above the list. */
import { Idiomorph } from '../vendor/idiomorph.esm.js';
import { $, $$, ask, icon, plural, tell, word } from './page.js';

const EVENTS = '/mail/events/', POLL = '/mail/poll/', SIDE = '/mail/side/';
const EVERY = 30_000; // milliseconds between two questions where there is no stream
const GRACE = 2_000; // until one who may not be signed in any more is asked
const AGAIN = 300_000; // until a stream is tried again
const known = new Map(); // mailbox id: {unseen, messages, modseq}
/** Mailbox id: its modseq when the page was made. Mail comes between that and the first news, too. */
const rendered = new Map($$('#side-nav [data-modseq]').map(one => [one.dataset.mailbox, Number(one.dataset.modseq)]));
let total = 0, labels = {}, cursor = '', source = null, failures = 0, pollTimer, tryTimer, isLeader = false, ended = false;
const channel = globalThis.BroadcastChannel ? new BroadcastChannel('mailhost-live') : null;

/* ---- how it stands, in a word */

function status(name) {
  const box = $('#live');
  if (isLeader) channel?.postMessage({ status: name });
  if (!box || box.dataset.state === name) return;
  box.dataset.state = name;
  const words = {
    live: word('Up to date'), poll: word('Up to date'), wait: word('Reconnecting…'),
    offline: word('Offline'), ended: word('You are signed out.'),
  };
  // Only trouble is said aloud.
  if (name === 'live' || name === 'poll') box.removeAttribute('role');
  else box.setAttribute('role', 'status');
  box.textContent = words[name] ?? '';
}

/* ---- hearing */

/** News for this tab; who leads hands them on to the others. */
function heard(news, share = true) {
  if (share) channel?.postMessage({ news });
  if (news.cursor) cursor = news.cursor;
  if (news.counts) counted(news);
  if (news.folders) side();
  if (news.delivery) conversation();
}

function counted(news) {
  const isFirst = !known.size;
  const changed = new Set();
  for (const [box, now] of Object.entries(news.counts)) {
    const before = known.get(box)?.modseq ?? rendered.get(box) ?? (isFirst ? now.modseq : -1);
    if (before !== now.modseq) changed.add(box);
    known.set(box, now);
  }
  total = news.total;
  labels = news.labels ?? labels;
  tell('counts', { counts: news.counts });
  for (const link of $$('#side-nav [data-label]')) {
    unread($('.count', link), labels[link.dataset.label.toLowerCase()] ?? 0);
  }
  if (changed.size) refresh(changed);
}

function open() {
  clearTimeout(tryTimer);
  if (!globalThis.EventSource || ended) return poll();
  source?.close();
  const mine = source = new EventSource(EVENTS);
  mine.onopen = () => { failures = 0; stopPolling(); status('live'); };
  mine.addEventListener('counts', event => {
    heard({ ...JSON.parse(event.data), cursor: event.lastEventId });
  });
  mine.addEventListener('folders', () => heard({ folders: true }));
  mine.addEventListener('delivery', () => heard({ delivery: true }));
  mine.addEventListener('session', () => {
    mine.close();
    if (source !== mine) return;
    source = null;
    // It may be this tab that changes the password: its next page is on the way.
    tryTimer = setTimeout(async () => { await look(); if (!ended) open(); }, GRACE);
  });
  mine.addEventListener('poll', () => fallBack(mine));
  mine.onerror = () => {
    failures += 1;
    status(navigator.onLine ? 'wait' : 'offline');
    if (mine.readyState === EventSource.CLOSED || failures >= 2) fallBack(mine);
  };
}

function fallBack(stream) {
  stream.close();
  if (source !== stream) return;
  source = null;
  poll();
  tryTimer = setTimeout(open, AGAIN);
}

const stopPolling = () => { clearTimeout(pollTimer); pollTimer = 0; };

async function poll() {
  stopPolling();
  if (ended) return;
  await look();
  if (!source && !ended) pollTimer = setTimeout(poll, EVERY);
}

/** Asks once what is new. */
async function look() {
  try {
    const response = await fetch(`${POLL}?since=${encodeURIComponent(cursor)}`, {
      credentials: 'same-origin', headers: { Accept: 'application/json', 'X-Peek': '1' },
    });
    // What nobody reads would hold its connection.
    if (!response.ok) response.body?.cancel();
    if (response.status === 401) {
      ended = true;
      source?.close();
      clearTimeout(tryTimer);
      return status('ended');
    }
    if (!response.ok) return status('wait');
    heard(await response.json());
    // States of sent mail are no part of what is counted.
    if (!source && $('[data-waits]')) heard({ delivery: true });
    if (!source) status('poll');
  } catch {
    status(navigator.onLine ? 'wait' : 'offline');
  }
}

channel?.addEventListener('message', ({ data }) => {
  if (data.news) heard(data.news, false);
  if (data.status && !isLeader) status(data.status);
  if (data.hello && isLeader) {
    channel.postMessage({ status: $('#live')?.dataset.state ?? '' });
    channel.postMessage({ news: { counts: Object.fromEntries(known), total, labels, cursor } });
  }
});

function lead() {
  isLeader = true;
  open();
  return new Promise(() => {}); // until this tab is closed: then another takes over
}

/* ---- counts: beside, and in the title */

function badge(box, now) {
  for (const link of $$(`[data-mailbox="${CSS.escape(box)}"]`)) {
    const count = $('.count', link);
    if (!count) continue;
    const isDrafts = link.dataset.box === 'drafts';
    if (!isDrafts) { unread(count, now.unseen); continue; }
    count.textContent = now.messages;
    count.hidden = !now.messages;
    count.setAttribute('aria-label', plural(now.messages, '%(count)s message', '%(count)s messages'));
  }
}

function unread(count, number) {
  if (!count) return;
  count.textContent = number;
  count.hidden = !number;
  count.setAttribute('aria-label', plural(number, '%(count)s unread', '%(count)s unread'));
}

function title() {
  const bare = document.title.replace(/^\(\d+\) /, '');
  const box = $('.mail__list')?.dataset.mailboxId;
  const number = (box && known.get(box)?.unseen) ?? total;
  const wanted = number ? `(${number}) ${bare}` : bare;
  if (document.title !== wanted) document.title = wanted;
}

document.addEventListener('mh:counts', ({ detail }) => {
  for (const [box, now] of Object.entries(detail.counts ?? {})) {
    const all = { ...known.get(box), ...now };
    if (known.has(box)) known.set(box, all);
    badge(box, all);
    const shown = $('.mail__list');
    const count = $('#listcount');
    if (count && shown?.dataset.mailboxId === box) {
      count.textContent = all.unseen
        ? plural(all.unseen, '%(count)s unread', '%(count)s unread')
        : plural(all.messages, '%(count)s message', '%(count)s messages');
    }
  }
  title();
});

/** The folders and labels beside, read anew. */
export async function side() {
  const nav = $('#side-nav');
  if (!nav) return;
  try {
    const here = $('.mail__list')?.dataset.place ?? '';
    const response = await ask(`${SIDE}?here=${encodeURIComponent(here)}`, { headers: PART });
    if (response.ok) Idiomorph.morph(nav, await response.text(), { morphStyle: 'innerHTML' });
  } catch { /* the next news bring it */ }
}

/* ---- the list */

const PART = { Accept: 'text/html', 'HX-Request': 'true', 'X-Peek': '1' };
let again = false, busy = false;

/** What is on the screen, read anew; much at once is read once. */
async function refresh(boxes) {
  const list = $('.mail__list');
  const box = list?.dataset.mailboxId;
  const isShown = list && (!box || boxes.has(box));
  if (busy) { again = again || isShown; return; }
  busy = true;
  try {
    if (isShown) await rows(list);
    await conversation();
  } catch { /* no connection: `status` says so */ } finally {
    busy = false;
  }
  if (again) { again = false; refresh(boxes); }
}

async function page(url, target) {
  const response = await ask(url, { headers: { ...PART, 'HX-Target': target } });
  if (!response.ok) return null;
  return new DOMParser().parseFromString(await response.text(), 'text/html');
}

const listAddress = list => list.dataset.at || location.pathname + location.search;
const name = row => (row.dataset.thread ? `t${row.dataset.thread}` : row.id);
const rowsOf = root => [...root.querySelectorAll('article.conv')];

async function rows(list) {
  const url = listAddress(list);
  const doc = await page(url, 'mail__list');
  const fresh = doc && $('.mail__list', doc);
  // Somebody went elsewhere meanwhile: this is the news of another list.
  if (!fresh || $('.mail__list') !== list || listAddress(list) !== url) return;
  const box = $('.conv-list', list), now = $('.conv-list', fresh);
  if (!box || !now) {
    if (Boolean(box) !== Boolean(now)) emptied(list, fresh);
    return;
  }
  const found = new Map(rowsOf(now).map(row => [name(row), row]));
  const mine = rowsOf(box);
  const last = mine.findLastIndex(row => found.has(name(row)));
  const isWhole = !$('[data-more]', now);
  mine.forEach((row, place) => {
    const other = found.get(name(row));
    if (other) patch(row, other);
    else if (isWhole || place < last) leave(row, box);
  });
  const have = new Set(mine.map(name));
  wait(list, rowsOf(now).filter(row => !have.has(name(row))), now);
}

/** A list that was empty, or is now: nothing stands there that could move. */
function emptied(list, fresh) {
  if ($('.conv-list', list)?.matches(':hover')) return;
  const at = list.dataset.at;
  list.replaceChildren(...[...fresh.childNodes].map(one => document.importNode(one, true)));
  if (at) list.dataset.at = at;
  list.dispatchEvent(new CustomEvent('htmx:load', { bubbles: true, detail: { elt: list } }));
}

function patch(row, other) {
  const made = document.importNode(other, true);
  const isTicked = $('.cb', row)?.checked, current = row.getAttribute('aria-current');
  const kept = ['is-selected', 'is-gone'].filter(one => row.classList.contains(one));
  Idiomorph.morph(row, made, { morphStyle: 'outerHTML', ignoreActiveValue: true });
  const after = document.getElementById(other.id) ?? row;
  after.classList.add(...kept);
  if ($('.cb', after)) $('.cb', after).checked = Boolean(isTicked);
  if (current) after.setAttribute('aria-current', current);
}

/** A row that is elsewhere now goes when nobody points at the list. */
function leave(row, box) {
  if (row.contains(document.activeElement)) return;
  if (!box.matches(':hover')) return take(row);
  row.classList.add('is-gone');
  box.addEventListener('pointerleave', () => take(row), { once: true });
}

function take(row) {
  const before = row.previousElementSibling, after = row.nextElementSibling;
  row.remove();
  // A day without rows needs no heading.
  if (before?.matches('.conv-day') && !after?.matches('article.conv')) before.remove();
}

/* ---- what is new waits */

let waiting = null; // {list, rows, now}

function wait(list, fresh, now) {
  $('.live-box', list)?.remove();
  waiting = null;
  if (!fresh.length) return;
  waiting = { list, rows: fresh, now };
  if (isAtRest($('.conv-list', list))) return insert();
  const pill = document.createElement('button');
  pill.type = 'button';
  pill.className = 'live-pill btn btn--primary btn--sm';
  const said = document.createElement('span');
  said.setAttribute('role', 'status');
  said.textContent = plural(fresh.length, '%(count)s new message', '%(count)s new messages');
  pill.append(icon('arrow-up', 'i--sm'), said);
  pill.addEventListener('click', () => {
    const box = $('.conv-list', list);
    insert();
    box.scrollTop = 0;
    $('.conv__subj', box)?.focus({ preventScroll: true });
  });
  const frame = document.createElement('div');
  frame.className = 'live-box';
  frame.append(pill);
  $('.conv-list', list).before(frame);
}

/** Whether rows may come in by themselves: at the top, neither pointer nor focus in the list. */
const isAtRest = box => box && box.scrollTop < 4 && !box.matches(':hover')
  && !box.contains(document.activeElement);

function insert() {
  if (!waiting) return;
  const { list, rows: fresh, now } = waiting;
  waiting = null;
  $('.live-box', list)?.remove();
  const box = $('.conv-list', list);
  if (!box) return;
  const all = rowsOf(now);
  const mine = new Map(rowsOf(box).map(row => [name(row), row]));
  for (const row of fresh.toReversed()) {
    const next = all.slice(all.indexOf(row) + 1).find(one => mine.has(name(one)));
    const made = document.importNode(row, true);
    place(box, made, heading(row), next ? mine.get(name(next)) : null);
    mine.set(name(made), made);
  }
  tell('shown', { url: location.href });
}

function heading(row) {
  let one = row.previousElementSibling;
  while (one && !one.matches('.conv-day')) one = one.previousElementSibling;
  return one?.textContent ?? '';
}

function place(box, row, day, next) {
  if (next && heading(next) === day) return next.before(row);
  const found = $$('.conv-day', box).find(one => one.textContent === day);
  if (found && !next) return $('[data-more]', box) ? $('[data-more]', box).before(row) : box.append(row);
  if (found) {
    let last = found;
    while (last.nextElementSibling?.matches('article.conv')) last = last.nextElementSibling;
    return last.after(row);
  }
  const made = document.createElement('h3');
  made.className = 'conv-day';
  made.textContent = day;
  let anchor = next;
  while (anchor && !anchor.matches('.conv-day')) anchor = anchor.previousElementSibling;
  if (anchor) anchor.before(made, row);
  else box.append(made, row);
}

for (const name of ['pointerout', 'focusout', 'scroll']) {
  document.addEventListener(name, event => {
    const box = waiting && $('.conv-list', waiting.list);
    if (!box || !box.contains(event.target)) return;
    setTimeout(() => { if (waiting && isAtRest(box)) insert(); }, 300);
  }, { capture: true, passive: true });
}

/* ---- the conversation that is open */

/** Letters that are not finished: each save makes another message of one, which is news to nobody. They
 * stand at the end once a composer was closed: what one shows is gone with the next save. */
function letters(thread, fresh, isClosed) {
  $$('article.msg[data-draft]', thread)
    .filter(old => !$(`#${old.id}`, fresh))
    .forEach(old => { if (!old.contains(document.activeElement)) old.remove(); });
  if (!isClosed || $('.composer')) return;
  for (const one of $$('article.msg[data-draft]', fresh)) {
    if (document.getElementById(one.id)) continue;
    const made = document.importNode(one, true), last = $$('article.msg', thread).pop();
    last?.after(made);
    if (last) globalThis.htmx?.process(made);
  }
}

async function conversation(isClosed = false) {
  const thread = $('.thread[data-ref]');
  if (!thread) return;
  const url = location.pathname + location.search;
  const doc = await page(url, 'mail__read');
  const fresh = doc && $('.thread[data-ref]', doc);
  if (!fresh || $('.thread[data-ref]') !== thread || location.pathname + location.search !== url) return;
  for (const one of $$('[id^="sent-"]', fresh)) {
    const old = document.getElementById(one.id);
    if (old) Idiomorph.morph(old, [...document.importNode(one, true).childNodes], { morphStyle: 'innerHTML' });
    if (old) old.toggleAttribute('data-waits', one.hasAttribute('data-waits'));
  }
  letters(thread, fresh, isClosed);
  const news = $$('article.msg:not([data-draft])', fresh).filter(one => !document.getElementById(one.id));
  $('.live-more', thread)?.remove();
  if (!news.length) return;
  const pill = document.createElement('button');
  pill.type = 'button';
  pill.className = 'live-more btn btn--primary btn--sm';
  pill.setAttribute('aria-live', 'polite');
  pill.textContent = plural(news.length, '%(count)s new message in this conversation',
    '%(count)s new messages in this conversation');
  pill.addEventListener('click', () => {
    const made = news.map(one => document.importNode(one, true));
    pill.replaceWith(...made);
    made.forEach(one => globalThis.htmx?.process(one));
    tell('shown', { url: location.href });
    made[0].tabIndex = -1;
    made[0].focus({ preventScroll: true });
    made[0].scrollIntoView({ block: 'nearest' });
  });
  ($('.thread__in', thread) ?? thread).append(pill);
}

/* ---- beginning, sleeping, waking */

document.addEventListener('mh:shown', title);
document.addEventListener('mh:written', () => conversation(true));
document.addEventListener('mh:changed', () => {
  const box = $('.mail__list')?.dataset.mailboxId;
  refresh(new Set(box ? [box] : []));
});
document.addEventListener('visibilitychange', () => { if (!document.hidden && !ended) look(); });
addEventListener('online', () => { if (isLeader && !ended) open(); else look(); });
addEventListener('offline', () => status('offline'));

if ($('#live')) {
  if (navigator.locks && channel) {
    channel.postMessage({ hello: true });
    navigator.locks.request('mailhost-live', lead);
  } else {
    lead();
  }
}
