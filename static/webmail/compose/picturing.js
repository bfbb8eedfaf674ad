/* The dialog of a picture within the text: how wide it is shown, and what it shows. */
import { word } from '../page.js';
import { field, show } from './dialog.js';
import { SMALL, WIDE, scaled } from './scale.js';

/** Asks about `image`. */
export function change(composer, image) {
  const { editor } = composer;
  const size = { width: image.naturalWidth || image.width || WIDE, height: image.naturalHeight || image.height || WIDE };
  const shown = Number(image.getAttribute('width')) || size.width;
  const select = Object.assign(document.createElement('select'), { className: 'select' });
  const widths = [[SMALL, word('Small')], [WIDE, word('As wide as the text')], [size.width, word('Original size')]]
    .filter(([width], place) => width < size.width || place === 2);
  for (const [width, text] of widths) select.add(new Option(`${text} (${width} px)`, width));
  if (!widths.some(([width]) => width === shown)) select.add(new Option(word('As it is (%(width)s px)', { width: shown }), shown));
  select.value = String(shown);
  const words = Object.assign(document.createElement('input'), { className: 'input', type: 'text', value: image.alt, maxLength: 300, dir: 'auto' });
  show({
    title: word('Picture'), done: word('Change'),
    fields: [field(word('Description'), words, word('For people who cannot see it')), field(word('Width'), select)],
    more: [[word('Remove picture'), () => { editor.squire.saveUndoState(); image.remove(); composer.touched(); }]],
    take() {
      const { width, height } = scaled(size, Number(select.value));
      editor.squire.saveUndoState();
      Object.assign(image, { alt: words.value.trim(), width, height });
      composer.touched();
      return null;
    },
    closed: () => editor.focus(),
  });
}
