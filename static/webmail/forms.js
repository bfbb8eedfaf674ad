/* The small forms of folders and labels in a dialog: made, called otherwise, coloured, deleted. What stands
 * in it is the form of the page to which the link leads, and what it answers is that page's answer. */
import { lay, lift } from './over.js';
import { side } from './live.js';
import { $, $$, ask, toast, word } from './page.js';
import { keepScroll, toasts } from './shell.js';

const FORM = /^\/mail\/(?:folders\/(?:new\/|\d+\/(?:delete\/)?)|labels\/(?:new|edit|delete)\/)$/;
let box = null, opener = null;

const parsed = html => new DOMParser().parseFromString(html, 'text/html');

/** The heading and the form of a page, as a dialog has them. */
function put(page, url) {
  const form = $('main form[method=post]', page), heading = $('main h1', page);
  if (!form || !heading) throw new Error(word('This could not be shown.'));
  const head = document.createElement('div'), title = document.createElement('h2');
  head.className = 'dialog__head';
  title.id = 'form-t';
  title.append(...document.importNode(heading, true).childNodes);
  head.append(title);
  const mine = document.importNode(form, true);
  mine.action = url;
  const told = $('main .page__head p', page);
  if (told) mine.prepend(document.importNode(told, true));
  box.replaceChildren(head, mine);
  // Of what cannot be taken back by one key the way out is nearest.
  const first = $('[aria-invalid=true], input[name=name]', mine) ?? $('a.btn, input:checked', mine);
  first?.focus();
  if (first?.matches('input[type=text]')) first.select();
}

function close(isGone) {
  const was = box;
  box = null;
  if (was.open) was.close();
  was.remove();
  if (!isGone) (opener?.isConnected ? opener : $('.mail__wide h1'))?.focus({ preventScroll: true });
}

async function open(link) {
  try {
    const response = await ask(link.href, { headers: { Accept: 'text/html' } });
    if (!response.ok) throw new Error(word('This is not there any more.'));
    const page = parsed(await response.text());
    opener = link;
    box = document.createElement('dialog');
    box.className = 'dialog dialog--form';
    box.setAttribute('aria-labelledby', 'form-t');
    box.addEventListener('close', lift);
    document.body.append(box);
    keepScroll();
    lay(close);
    box.showModal();
    put(page, link.href);
  } catch (error) {
    if (box) lift();
    if (error.status !== 401) toast(error.message, { kind: 'bad', retry: () => open(link) });
  }
}

/** It is done: the page of all folders or labels is put in place if it is this one, else the side alone. */
function done(page, url) {
  toasts(page);
  const wide = $('.mail__wide'), fresh = $('.mail__wide', page);
  const isHere = new URL(url).pathname === location.pathname && wide && fresh;
  if (isHere) {
    wide.replaceWith(document.importNode(fresh, true));
    const heading = $('.mail__wide h1');
    heading.tabIndex = -1;
  }
  side();
  lift();
}

function trouble(form, error) {
  $('.dialog__trouble', form)?.remove();
  const told = document.createElement('p');
  told.className = 'callout callout--bad dialog__trouble';
  told.setAttribute('role', 'alert');
  told.textContent = error.message;
  form.prepend(told);
}

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button)), mine = box;
  button?.classList.add('btn--loading');
  try {
    const response = await ask(form.action, { method: 'POST', body, headers: { Accept: 'text/html' } });
    const page = parsed(await response.text());
    if (box !== mine) return;
    if (response.status === 422) put(page, form.action);
    else if (response.ok && response.redirected) done(page, response.url);
    else throw new Error(word('This could not be done. Try again.'));
  } catch (error) {
    if (error.status === 401) lift();
    else if (box === mine) trouble(form, error);
  } finally {
    button?.classList.remove('btn--loading');
  }
}

// On their way down: a folder's number looks like a message's to shell.js.
document.addEventListener('click', event => {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.('a[href]');
  if (!link) return;
  const isWayOut = box?.contains(link);
  if (!isWayOut && (!FORM.test(link.pathname) || link.origin !== location.origin || !$('.mail'))) return;
  event.preventDefault();
  if (isWayOut) lift();
  else open(link);
}, true);

document.addEventListener('submit', event => {
  if (!box?.contains(event.target)) return;
  event.preventDefault();
  if (!$$('.btn--loading', box).length) send(event.target, event.submitter);
}, true);
