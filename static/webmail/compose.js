/* The way to writing, from every page of the webmail: links, keys, and what a closed tab has left behind.
 * The composer itself is loaded when somebody writes. Without this file each link is a page. */
import { $, $$, key, toast } from './page.js';

const WRITE = /^\/mail\/compose\/(?:[0-9a-f-]{36}\/|from\/[\w-]+\/\d+\/)?$/;
const COPY = 'mh-draft:'; // local.js writes what begins so
const composer = () => import('./compose/composer.js');

/** Opens a composer over the page; `url` is the address of its page. */
export async function write(url, opener = document.activeElement) {
  try {
    await (await composer()).open(url, { opener });
  } catch (error) {
    // Signed out, or no module came: the page itself tells more than we can.
    if (error.status === undefined) return location.assign(url);
    if (error.status !== 401) toast(error.message, { kind: 'bad', retry: () => write(url, opener) });
  }
}

const isWriting = link => link.origin === location.origin && WRITE.test(link.pathname)
  && !link.target && link.dataset.full === undefined;

// On their way down: the address of a composer looks like a folder's to shell.js.
document.addEventListener('click', event => {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.('a[href]');
  if (!link || !isWriting(link) || !$('.mail')) return;
  event.preventDefault();
  document.documentElement.classList.remove('side-open');
  link.closest('details.menu')?.removeAttribute('open');
  write(link.href, link);
}, true);

// Who comes near will press: the modules are here by then.
for (const kind of ['pointerover', 'focusin']) {
  document.addEventListener(kind, event => {
    const link = event.target.closest?.('a[data-write]');
    if (link) composer().catch(() => {});
  }, { passive: true });
}

/* ---- keys */

/** The answer buttons of the message that has the focus, else those under the conversation. */
function answer(kind) {
  const message = document.activeElement?.closest?.('.mail__read article.msg');
  return $(`[data-answer=${kind}]`, message ?? document.createElement('i'))
    ?? $(`.reply-bar [data-answer=${kind}]`) ?? $$(`.mail__read [data-answer=${kind}]`).pop();
}

const answers = kind => [() => answer(kind).click(), { when: () => Boolean(answer(kind)) }];
const fresh = () => $('.mail__compose a');
key('c', () => write(fresh().href), { when: () => Boolean(fresh()) });
key('r', ...answers('reply'));
key('a', ...answers('reply_all'));
key('f', ...answers('forward'));

const here = () => document.activeElement?.closest?.('.composer.is-scripted');
const does = name => [
  () => here().dispatchEvent(new CustomEvent('mh:compose', { detail: name })),
  { when: () => Boolean(here()) },
];
key('Ctrl+Enter', ...does('send'));
key('Ctrl+Shift+Enter', ...does('later'));

/* ---- a composer that is the page, and what was written in a tab that is gone */

const page = $('.composer--page');
if (page) composer().then(module => module.start(page)).catch(() => {});

const copies = () => {
  try {
    return Object.keys(localStorage).filter(name => name.startsWith(COPY));
  } catch { return []; } // storage is off
};

if (copies().length && document.body.dataset.who) {
  import('./compose/local.js').then(module => module.rescue(document.body.dataset.who, write)).catch(() => {});
}

// Who signs out leaves nothing on this device.
document.addEventListener('submit', event => {
  if (event.target.matches('form[data-sign-out]')) copies().forEach(name => localStorage.removeItem(name));
});
