/* The form of a signature: rich text in place of the plain one that the page brings. */
import { clean } from './compose/cleaning.js';
import { Editor } from './compose/editor.js';
import { plain } from './compose/plain.js';
import { $, $$, word } from './page.js';

const SCHEME = /^(?:https?:\/\/|mailto:|tel:)/i;

/** What somebody typed as an address: the web is meant where they do not say. */
function address(typed) {
  const text = typed.trim();
  if (!text || SCHEME.test(text)) return text;
  return text.includes('@') && !text.includes('/') ? `mailto:${text}` : `https://${text}`;
}

function start(field) {
  const area = $('textarea', field), kept = $('[name=signature_html]', field), box = $('.signature', field);
  const text = $('.signature__text', box), link = $('.signature__link', box), form = area.form;
  const squire = new Editor(text, { blockTag: 'DIV', sanitizeToDOMFragment: clean, didError: () => {},
    toPlainText: html => plain(clean(html)) });
  squire.setHTML(kept.value);
  kept.disabled = false;
  area.hidden = true;
  area.disabled = true;
  box.hidden = false;

  const changed = () => { const told = $('[data-unsaved]', form); if (told) told.hidden = false; };
  const acts = {
    bold: () => squire.hasFormat('B') ? squire.removeBold() : squire.bold(),
    italic: () => squire.hasFormat('I') ? squire.removeItalic() : squire.italic(),
    link: () => {
      if (squire.hasFormat('A')) return squire.removeLink();
      link.hidden = false;
      link.value = '';
      link.focus();
    },
  };
  $('.composer__tools', box).addEventListener('mousedown', event => {
    if (event.target !== link) event.preventDefault(); // the marked text stays marked
  });
  const press = () => {
    for (const [name, tag] of [['bold', 'B'], ['italic', 'I']]) {
      $(`[data-format=${name}]`, box).setAttribute('aria-pressed', String(squire.hasFormat(tag)));
    }
  };
  $$('[data-format]', box).forEach(button => button.addEventListener('click', () => {
    acts[button.dataset.format]();
    press();
    if (link.hidden) squire.focus();
  }));
  link.addEventListener('keydown', event => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    event.preventDefault();
    link.hidden = true;
    squire.focus();
    const to = address(link.value);
    if (event.key === 'Enter' && to) squire.makeLink(to);
  });
  link.addEventListener('blur', () => { link.hidden = true; });
  squire.addEventListener('pathChange', press);
  squire.addEventListener('input', changed);
  form.addEventListener('input', changed);
  form.addEventListener('submit', () => { kept.value = squire.getHTML(); });
  text.setAttribute('aria-label', word('Signature'));
}

$$('[data-signature]').forEach(start);
