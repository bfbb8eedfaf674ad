/* The conversation that is read: folded messages open in place, n and p go from one to the next. */
import { $, $$, announce, key, toast, word } from './page.js';

const messages = () => $$('.mail__read article.msg');
const current = () => document.activeElement?.closest?.('article.msg');

/* The focus goes to the message, whatever it is in then: a link if it is folded. */
function reach(message) {
  const target = $('a.msg--fold', message) ?? message;
  target.focus({ preventScroll: true });
  message.scrollIntoView({ block: 'nearest' });
}

function step(by) {
  const all = messages();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  if (all[next]) reach(all[next]);
}

async function unfold(link) {
  const message = link.closest('article.msg');
  if (message.getAttribute('aria-busy') === 'true') return;
  message.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(link.dataset.open, { headers: { 'HX-Request': 'true' } });
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    const holder = document.createElement('template');
    holder.innerHTML = await response.text();
    const open = $('article.msg', holder.content);
    if (!open) throw new Error('no message');
    message.replaceWith(open);
    shown(open);
    reach(open);
    announce(word('Message opened'));
  } catch {
    message.removeAttribute('aria-busy');
    toast(word('The message could not be loaded.'), { kind: 'bad', retry: () => unfold(link) });
  }
}

/* What only makes sense with a script is hidden until there is one. */
function shown(root) {
  if (navigator.clipboard) $$('[data-do=copy]', root).forEach(button => { button.hidden = false; });
}

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest?.('a[data-open]');
  if (!link) return;
  event.preventDefault();
  unfold(link);
});
document.addEventListener('htmx:load', event => shown(event.target));
document.addEventListener('mh:shown', () => shown(document));

key('n', () => step(1), { when: () => messages().length > 0 });
key('p', () => step(-1), { when: () => messages().length > 0 });
shown(document);
