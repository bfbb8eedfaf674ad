/* Which rows are ticked, and what the bar above the list says of them: by mouse, by key, in ranges. */
import { $, $$, currentRow, focusRow, key, plural, rows } from './page.js';

export const boxOf = row => $('.conv__av .cb', row);
export const ticked = () => rows().filter(row => boxOf(row)?.checked);
export const whole = () => $('#selwhole .cb');
export const isEverything = () => !!whole()?.checked;
let anchor = null; // where a range begins

/** Whether the list is on the screen, or hidden behind a message. */
export const isListShown = () => rows().some(row => row.offsetParent !== null);

export function tick(row, on) {
  const box = boxOf(row);
  if (!box) return;
  box.checked = on;
  row.classList.toggle('is-checked', on);
}

export function tickNone() {
  rows().forEach(row => tick(row, false));
  if (whole()) whole().checked = false;
  update();
}

function tickAll() {
  rows().forEach(row => tick(row, true));
  update();
}

function tickRange(from, to, on) {
  const all = rows(), ends = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (ends[0] < 0) return;
  all.slice(ends[0], ends[1] + 1).forEach(row => tick(row, on));
}

/** Says in the bar how many are ticked, and offers all of the folder when the page is. */
export function update() {
  const all = rows(), some = ticked(), said = $('#seln'), master = $('#selall');
  $('.conv-list')?.classList.toggle('is-selecting', some.length > 0);
  if (!said) return;
  if (master) {
    master.hidden = false;
    master.checked = some.length > 0 && some.length === all.length;
    master.indeterminate = some.length > 0 && some.length < all.length;
  }
  const box = whole(), count = Number(box?.dataset.count || 0);
  const offers = some.length > 0 && some.length === all.length && count > all.length;
  if (box) {
    if (!offers) box.checked = false;
    box.closest('label').classList.toggle('is-offered', offers);
  }
  const text = isEverything()
    ? plural(count, '%(count)s message selected', 'All %(count)s messages selected')
    : plural(some.length, '%(count)s selected', '%(count)s selected');
  if (said.textContent !== text) said.textContent = some.length ? text : said.dataset.none;
  showLabels(some);
  // One button for read and unread: what the first of both would change. The keys do either.
  const hasUnread = some.some(row => row.classList.contains('is-unread'));
  for (const [verb, isWanted] of [['read', hasUnread], ['unread', !hasUnread]]) {
    const button = $(`#selbar [name=verb][value=${verb}]`);
    if (button) button.hidden = !isWanted;
  }
}

/** Which labels all ticked rows have: the menu takes these off. */
function showLabels(some) {
  $$('#selbar [data-menu=label] [data-keyword]').forEach(item => {
    const on = some.length > 0 && some.every(row => hasLabel(row, item.dataset.keyword));
    item.value = `${on ? 'unlabel' : 'label'}:${item.dataset.keyword}`;
    item.setAttribute('aria-pressed', on);
  });
}

/** The keywords of a row: as it says them, else those of the labels that it shows. */
export const labelsOf = row => (row.dataset.labels ?? $$('.tag', row).map(tag => $$('[data-menu=label] [data-keyword]')
  .find(item => item.dataset.name === tag.textContent)?.dataset.keyword ?? '').join(' ')).split(' ').filter(Boolean);
const hasLabel = (row, keyword) =>
  labelsOf(row).some(one => one.toLowerCase() === keyword.toLowerCase());

/** Ticks a row, or takes its tick off; a range may begin here. */
export function toggle(row) {
  if (!row || !boxOf(row)) return;
  tick(row, !boxOf(row).checked);
  anchor = row;
  update();
}

document.addEventListener('click', event => {
  const box = event.target.closest?.('.conv__av .cb');
  if (!box) return;
  const row = box.closest('.conv');
  if (event.shiftKey && anchor?.isConnected) tickRange(anchor, row, box.checked);
  anchor = row;
});

document.addEventListener('change', event => {
  const box = event.target;
  if (!box.matches?.('.cb')) return;
  if (box.id === 'selall') return box.checked ? tickAll() : tickNone();
  if (box.closest('.conv')) box.closest('.conv').classList.toggle('is-checked', box.checked);
  if (box.closest('.conv, #selbar')) update();
});

/* ---- keys */

const extend = step => () => {
  const all = rows(), row = currentRow() ?? all[0], next = all[all.indexOf(row) + step];
  if (!row) return;
  tick(row, true);
  if (next) { tick(next, true); focusRow(next); anchor = next; }
  update();
};

key('x', () => toggle(currentRow()));
key('Shift+j', extend(1));
key('Shift+k', extend(-1));
key('* a', tickAll);
key('* n', tickNone);

/* ---- what others changed: ticks that are gone */

document.addEventListener('htmx:afterSwap', update);
addEventListener('pageshow', update);
update();
