/* Who writes: the menu of one's addresses, and the signature that goes with each. */
import { $, $$, word } from '../page.js';
import { clean } from './cleaning.js';

const MARK = '-- \n'; // RFC 3676 section 4.3

/** The option of the chosen address. */
const chosen = select => select.selectedOptions[0];

function resign(composer, before, after) {
  const { editor } = composer;
  if (editor.isPlain) {
    const area = $('[data-plain]', composer.root), was = before.dataset.text && MARK + before.dataset.text.trim();
    const will = after.dataset.text ? MARK + after.dataset.text.trim() : '';
    if (was && area.value.includes(was)) area.value = area.value.replace(was, () => will);
    else if (!was && will) area.value = `${area.value.trimEnd()}\n\n${will}\n`;
    return;
  }
  const box = $('[data-sig], .sig', editor.root), html = after.dataset.html;
  editor.squire.saveUndoState();
  // What its writer has changed is theirs.
  if (box && worded(box) !== worded(clean(before.dataset.html ?? ''))) return;
  const made = document.createElement('div');
  made.className = 'sig';
  made.dataset.sig = '';
  made.append(clean(html ?? ''));
  if (box && html) box.replaceWith(made);
  else if (box) box.remove();
  else if (html) {
    const quote = $('[data-quote]', editor.root);
    if (quote && after.dataset.above !== undefined) quote.before(made); else editor.root.append(made);
  }
}

const worded = node => node.textContent.replace(/\s+/g, ' ').trim();

/** Sets up the menu of `composer`, where there is a choice. */
export function start(composer) {
  const select = composer.field('from'), menu = $('[data-from]', composer.root);
  if (!menu) return;
  const now = $('[data-from-now]', menu), items = $$('[data-choice]', menu);
  let before = chosen(select);

  function show() {
    const item = items.find(one => one.dataset.choice === select.value);
    items.forEach(one => one.setAttribute('aria-checked', String(one === item)));
    now.replaceChildren(...[...$('.row', item).childNodes].map(one => one.cloneNode(true)));
    $('summary', menu).setAttribute('aria-label',
      word('From %(address)s', { address: chosen(select).textContent.trim() }));
  }

  function choose(key) {
    if (key === select.value || ![...select.options].some(one => one.value === key)) return;
    select.value = key;
    resign(composer, before, chosen(select));
    before = chosen(select);
    show();
    composer.emit('from', key);
    composer.touched();
  }

  menu.addEventListener('click', event => {
    const item = event.target.closest('[data-choice]');
    if (!item) return;
    choose(item.dataset.choice);
    menu.open = false;
    $('summary', menu).focus();
  });
  composer.on('from-wanted', key => {
    if (![...select.options].some(one => one.value === key)) return;
    select.value = key;
    before = chosen(select);
    show();
  });
  show();
}
