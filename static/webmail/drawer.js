/* "Why is it here?" as a panel beside the message: a region of its own, not a dialog, since one reads
 * both. On a phone it is a sheet over all of it. Without this file the link leads to a page. */
import { $, $$, ask, toast, word } from './page.js';
import { lay, lift } from './over.js';
import { keepScroll } from './shell.js';

const isPhone = matchMedia('(max-width: 900px)');
let panel = null, opener = null;

/* What a sheet covers cannot be reached. */
function fence() {
  $$('.mail > [inert]').forEach(one => { one.inert = false; });
  if (!panel?.isConnected || !isPhone.matches) return;
  [...panel.parentElement.children].filter(one => one !== panel).forEach(one => { one.inert = true; });
}

function close(isGone) {
  const held = panel?.contains(document.activeElement) || document.activeElement === document.body;
  panel?.remove();
  panel = null;
  fence();
  $('.mail')?.classList.remove('mail--drawer');
  if (isGone || !held) return;
  // The message may have been drawn anew since.
  const back = opener?.isConnected ? opener : $('.mail__read [data-why]')?.closest('.menu')?.querySelector('summary');
  (back ?? $('.mail__read .thread__in'))?.focus({ preventScroll: true });
}

function put(html) {
  const made = new DOMParser().parseFromString(html, 'text/html').querySelector('aside.drawer');
  if (!made) throw new Error(word('This could not be shown.'));
  keepScroll();
  lay(close);
  panel = document.importNode(made, true);
  const mail = $('.mail');
  mail.append(panel);
  mail.classList.add('mail--drawer');
  fence();
  $('h2', panel).focus({ preventScroll: true });
}

async function open(link) {
  const menu = link.closest('details.menu');
  if (menu) menu.open = false;
  opener = menu ? $('summary', menu) : link;
  const thread = $('.mail__read .thread');
  thread?.setAttribute('aria-busy', 'true');
  try {
    const response = await ask(link.href, { headers: { 'HX-Request': 'true', Accept: 'text/html' } });
    if (!response.ok) {
      throw new Error(response.status === 404
        ? word('This is not there any more.') : word('This could not be shown.'));
    }
    const html = await response.text();
    // Meanwhile somebody may have gone elsewhere.
    if (link.isConnected) put(html);
  } catch (error) {
    if (error.status !== 401) toast(error.message, { kind: 'bad', retry: () => open(link) });
  } finally {
    thread?.removeAttribute('aria-busy');
  }
}

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest?.('a[data-why], a[data-close-drawer]');
  if (!link || !$('.mail__read')) return;
  event.preventDefault();
  if (link.matches('[data-why]')) open(link);
  else lift();
});

// On its way down: what else Esc closes is still open then, and goes first.
document.addEventListener('keydown', event => {
  if (event.key !== 'Escape' || !panel || $('dialog[open], details.menu[open], .side-open .mail__side')) return;
  if (event.target.matches?.('input, textarea, select') && !panel.contains(event.target)) return;
  event.preventDefault();
  lift();
}, true);

// What it explains is not there any more. If it was the message that is open, that goes, and we with it.
document.addEventListener('mh:gone', event => {
  const gone = event.detail.refs ?? [], open = $('.mail__read .thread')?.dataset.ref;
  if (panel && gone.includes(panel.dataset.ref) && !gone.includes(open)) lift();
});

isPhone.addEventListener('change', fence);
