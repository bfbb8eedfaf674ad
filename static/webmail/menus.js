/* Menus that pick a folder or a label: a word finds, arrows walk, Enter takes. */
import { $, $$, currentRow, key } from './page.js';
import { isEverything, isListShown, tick, ticked, tickNone, update } from './selection.js';

/** Opens the menu for `only`, else for what is ticked, open or current. */
export function openMenu(name, only = null) {
  return () => {
    if (only) tickNone(); // whatever is ticked besides is not meant
    let menu = isListShown() && (ticked().length || isEverything()) ? $(`#selbar [data-menu=${name}]`) : null;
    if (!only) menu ??= $(`.mail__read [data-menu=${name}]`);
    const row = only ?? currentRow();
    if (!menu && row) {
      tick(row, true);
      update();
      menu = $(`#selbar [data-menu=${name}]`);
    }
    if (!menu) return;
    menu.open = true;
    showFilter(menu);
  };
}

function showFilter(menu) {
  const filter = $('[data-filter]', menu);
  if (!filter) return void $('.menu__pick .menu__item', menu)?.focus();
  filter.hidden = false;
  filter.value = '';
  pick(menu, '');
  filter.focus();
}

function pick(menu, text) {
  const wanted = text.trim().toLocaleLowerCase();
  $$('.menu__pick .menu__item', menu).forEach(item => {
    item.hidden = !item.textContent.toLocaleLowerCase().includes(wanted);
  });
}

// `toggle` comes late: who opened the menu by key may have typed a word by then, which has to stay.
document.addEventListener('toggle', event => {
  if (!event.target.matches?.('details[data-menu]') || !event.target.open) return;
  if (!document.activeElement.matches('[data-filter]')) showFilter(event.target);
}, true);

document.addEventListener('input', event => {
  if (event.target.matches?.('[data-filter]')) pick(event.target.closest('.menu'), event.target.value);
});

document.addEventListener('keydown', event => {
  const menu = event.target.closest?.('details[data-menu][open]');
  if (!menu) return;
  const items = $$('.menu__pick .menu__item', menu).filter(item => !item.hidden);
  if (event.key === 'Enter' && event.target.matches('[data-filter]')) {
    event.preventDefault();
    items[0]?.click();
  } else if (event.key === 'Enter' && event.target.matches('[name=new],[name=until]')) {
    event.preventDefault();
    event.target.parentElement.querySelector('button')?.click();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const at = items.indexOf(document.activeElement), step = event.key === 'ArrowDown' ? 1 : -1;
    const next = at + step;
    (next < 0 ? $('[data-filter]', menu) ?? items[0] : items[Math.min(next, items.length - 1)])?.focus();
  } else if (event.key === 'Escape') {
    event.preventDefault();
    event.stopPropagation();
    menu.open = false;
    $('summary', menu).focus();
  }
});

document.addEventListener('click', event => {
  const button = event.target.closest?.('[data-snooze]');
  const row = button?.closest('article.conv');
  if (row) openMenu('snooze', row)();
});

key('v', openMenu('move'));
key('l', openMenu('label'));
key('b', openMenu('snooze'));
