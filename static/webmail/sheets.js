/* The frames of HTML mail: their pictures and their paper are asked for by links that lead into the
 * frame. Here one keeps what the other has chosen, no step back is left behind, and dark paper is
 * remembered by this browser. */
import { $, $$ } from './page.js';

const KEPT = 'mh-sheet';
const root = document.documentElement, night = matchMedia('(prefers-color-scheme: dark)');

const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : night.matches);

function kept() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function keep(sheet) {
  try { localStorage.setItem(KEPT, sheet); } catch { /* for this page alone */ }
}

const frameOf = link => $(`iframe.msg__frame[name="${CSS.escape(link.target)}"]`);
const isDesigned = frame => Boolean(frame.closest('.paper'));

/** Where a frame stands now: its links, and those in it, may have changed that. */
function addressOf(frame) {
  try {
    const { href } = frame.contentWindow.location;
    if (href.startsWith(location.origin)) return new URL(href);
  } catch { /* it shows something else */ }
  return new URL(frame.src, location);
}

const sheetOf = frame => addressOf(frame).searchParams.get('sheet') ?? 'light';

function turn(frame, wishes) {
  const at = addressOf(frame), before = at.href;
  for (const [name, value] of wishes) at.searchParams.set(name, value);
  if (at.href !== before) frame.contentWindow.location.replace(at.href);
}

/** Says at the switch which paper it is. */
function mark(frame) {
  if (!isDesigned(frame)) return;
  const sheet = sheetOf(frame);
  $$('[data-sheet]', frame.closest('.paper')).forEach(link => {
    if (link.dataset.sheet === sheet) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  });
}

/** Dark paper where that was chosen and the page is dark; by day there is no switch, and none is dark. */
function apply() {
  const wanted = isDark() && kept() === 'dark' ? 'dark' : 'light';
  $$('.paper > iframe.msg__frame').forEach(frame => {
    if (sheetOf(frame) !== wanted) turn(frame, [['sheet', wanted]]);
    mark(frame);
  });
}

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest?.('a[target^="f-"]'), frame = link && frameOf(link);
  if (!frame) return;
  event.preventDefault();
  turn(frame, new URL(link.href).searchParams);
  if (!link.dataset.sheet) return;
  keep(link.dataset.sheet);
  apply(); // the other parts and messages, too
});

// Loads do not bubble, but are caught on their way down.
document.addEventListener('load', event => {
  if (event.target.matches?.('iframe.msg__frame')) mark(event.target);
}, true);
document.addEventListener('htmx:load', apply);
document.addEventListener('mh:shown', apply);
new MutationObserver(apply).observe(root, { attributeFilter: ['data-theme'] });
night.addEventListener('change', apply);
apply();
