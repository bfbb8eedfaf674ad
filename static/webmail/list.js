/* The list as it is read on: further rows are asked for before its end is reached. Without this file
 * the link at its end leads to the next page. */
import { $, announce, ask, plural, toast, word } from './page.js';

const NEAR = 0.8; // of the way down
let asking = null; // the link whose rows are on their way

const pager = list => $(':scope > .pager[data-more]', list);

/** Puts the rows that follow in place of the link. Rows that stand here already (something moved in
 * between) are not put up twice. */
function put(list, above, html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const rows = [...page.body.children].map(one => document.importNode(one, true))
    .filter(one => !one.id || !document.getElementById(one.id));
  above.replaceWith(...rows);
  const added = rows.filter(one => one.matches('article.conv')).length;
  globalThis.htmx?.process(list);
  list.dispatchEvent(new CustomEvent('htmx:load', { bubbles: true, detail: { elt: list } }));
  announce(plural(added, '%(count)s more conversation', '%(count)s more conversations'));
  return added;
}

async function more(list) {
  const above = pager(list), link = above && $('a', above);
  if (!link || asking === link || above.dataset.failed) return;
  asking = link;
  above.setAttribute('aria-busy', 'true');
  const had = above.contains(document.activeElement);
  const before = above.previousElementSibling;
  try {
    const response = await ask(link.href, { headers: { 'HX-Request': 'true', Accept: 'text/html' } });
    if (!response.ok) throw new Error(word('Further messages could not be loaded.'));
    const html = await response.text();
    // The list may be another one by now.
    if (!above.isConnected) return;
    put(list, above, html);
    if (had) $('.conv__subj', before?.nextElementSibling?.matches('article.conv')
      ? before.nextElementSibling : list.lastElementChild)?.focus({ preventScroll: true });
  } catch (error) {
    if (!above.isConnected || error.name === 'AbortError' || error.status === 401) return;
    // Not again by itself: the link stays, and what went wrong is said once.
    above.dataset.failed = '1';
    const retry = () => { delete above.dataset.failed; more(list); };
    toast(error.message, { kind: 'bad', retry });
  } finally {
    above.removeAttribute('aria-busy');
    if (asking === link) asking = null;
    look(list);
  }
}

/** Asks for more where less than a fifth is left below, or where the list does not fill its pane. */
function look(list) {
  if (!list || !list.clientHeight) return;
  if (list.scrollTop + list.clientHeight >= NEAR * list.scrollHeight) more(list);
}

// Scrolling does not bubble; it is heard on its way down.
document.addEventListener('scroll', event => {
  if (event.target.classList?.contains('conv-list')) look(event.target);
}, { capture: true, passive: true });

document.addEventListener('click', event => {
  const link = event.target.closest?.('.conv-list > .pager[data-more] a');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  delete link.closest('.pager').dataset.failed;
  more(link.closest('.conv-list'));
}, true);

// The keyboard goes on where the pointer would scroll: the last rows in sight ask for more, too.
document.addEventListener('focusin', event => {
  const row = event.target.closest?.('.conv-list > article.conv');
  if (row) look(row.parentElement);
});
/** The row of what is read stands in sight, also where its page was opened by its address. */
const inSight = () => $('.conv-list > .conv[aria-current]')?.scrollIntoView({ block: 'nearest' });
document.addEventListener('mh:shown', inSight);
inSight();
for (const name of ['mh:shown', 'mh:gone']) document.addEventListener(name, () => look($('.conv-list')));
addEventListener('resize', () => look($('.conv-list')), { passive: true });
look($('.conv-list'));
