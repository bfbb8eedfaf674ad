/* The preview of a file in a dialog over its message, from which one goes on to the next file. Without
 * this file it is a page. */
import { $, ask, icon, word } from './page.js';
import { lay, lift } from './over.js';
import { keepScroll } from './shell.js';

let box = null, opener = null, asking = null;

function make() {
  box = document.createElement('dialog');
  box.className = 'dialog lightbox';
  box.setAttribute('aria-labelledby', 'lightbox-t');
  const inside = document.createElement('div');
  inside.className = 'lightbox__in';
  // A toast would stand beneath the dialog, and what is said outside of it is not heard.
  const said = document.createElement('p');
  said.className = 'vh';
  said.setAttribute('role', 'status');
  box.append(inside, said);
  box.addEventListener('close', lift); // by its button, by Esc, by a click beside it
  document.body.append(box);
}

function close(isGone) {
  asking?.abort();
  const was = box;
  box = null;
  if (was.open) was.close();
  was.remove();
  if (!isGone && opener?.isConnected) opener.focus({ preventScroll: true });
}

/** Puts an answer into the dialog; the focus stays on the button that was pressed, if it is still there. */
function put(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  if (!$('.lightbox__body', page)) throw new Error(word('This could not be shown.'));
  const inside = $('.lightbox__in', box), held = document.activeElement?.dataset?.preview;
  inside.replaceChildren(...[...page.body.children].map(one => document.importNode(one, true)));
  const again = held && $(`[data-preview="${held}"]`, inside);
  (again || $('h2', inside)).focus({ preventScroll: true });
  $('[role=status]', box).textContent = [$('h2', inside), $('.num', inside)]
    .map(one => one?.textContent.trim()).filter(Boolean).join(', ');
}

function trouble(error, again) {
  const inside = $('.lightbox__in', box);
  const told = document.createElement('div');
  told.className = 'callout callout--bad lightbox__trouble';
  told.setAttribute('role', 'alert');
  const said = document.createElement('span');
  said.className = 'grow';
  said.id = 'lightbox-t';
  said.textContent = error.message;
  const retry = document.createElement('button');
  retry.className = 'btn btn--sm';
  retry.type = 'button';
  retry.textContent = word('Try again');
  retry.addEventListener('click', again);
  const shut = document.createElement('button');
  shut.className = 'btn btn--ghost btn--icon btn--sm';
  shut.type = 'button';
  shut.dataset.do = 'close';
  shut.setAttribute('aria-label', word('Close'));
  shut.append(icon('x'));
  told.append(icon('circle-alert'), said, retry, shut);
  inside.replaceChildren(told);
  retry.focus();
}

async function show(href) {
  asking?.abort();
  const mine = asking = new AbortController();
  box.setAttribute('aria-busy', 'true');
  try {
    const response = await ask(href, {
      headers: { 'HX-Request': 'true', Accept: 'text/html' }, signal: mine.signal,
    });
    if (!response.ok) {
      throw new Error(response.status === 404
        ? word('This is not there any more.') : word('This could not be shown.'));
    }
    const html = await response.text();
    if (box && asking === mine) put(html);
  } catch (error) {
    if (!box || error.name === 'AbortError') return;
    if (error.status === 401) lift(); // the toast that says so would stand beneath
    else trouble(error, () => show(href));
  } finally {
    if (asking === mine) box?.removeAttribute('aria-busy');
  }
}

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest?.('a[data-preview]');
  if (!link || link.closest('.preview')) return; // the page without script is one of its own
  event.preventDefault();
  if (!box) {
    opener = link;
    make();
    keepScroll();
    lay(close);
    box.showModal();
  }
  show(link.href);
});

document.addEventListener('keydown', event => {
  if (!box || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const name = { ArrowLeft: 'previous', ArrowRight: 'following' }[event.key];
  const link = name && $(`[data-preview=${name}]`, box);
  if (!link || event.target.closest('pre')) return; // text is scrolled by the same keys
  event.preventDefault();
  show(link.href);
});
