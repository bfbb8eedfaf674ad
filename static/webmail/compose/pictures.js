/* Pictures within the text: chosen, dropped or pasted, they are uploaded and put where the cursor was. A press
 * on one asks how wide it is shown and what it shows. */
import { $$, toast, word } from '../page.js';
import { WIDE, scaled } from './scale.js';

const TYPES = 'image/png,image/jpeg,image/gif,image/webp';
const MOST = 30, LARGEST = 14_000_000; // pictures of one paste; characters of one that came as text
const DATA = /^data:(image\/(?:png|jpeg|gif|webp));base64,([\w+/=\s]+)$/;

/** How large a picture is by nature, or null. */
async function measured(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}

const called = name => name.replace(/\.\w{1,5}$/, '').replace(/[_-]+/g, ' ').trim();

class Pictures {
  constructor(composer) {
    this.composer = composer;
  }

  get editor() { return this.composer.editor; }

  /** Uploads pictures and puts them where the cursor is now. */
  async add(some) {
    const { composer, editor } = this;
    if (editor.isPlain) return composer.files.add(some);
    const range = editor.squire.getSelection().cloneRange(); // it moves with the text that is typed meanwhile
    range.collapse(false);
    for (const file of some) {
      try {
        const [known, size] = await Promise.all([composer.files.upload(file, { isInline: true }), measured(file)]);
        this.put(known, size, range, file.name);
      } catch { /* its tile says why */ }
    }
  }

  put(known, size, range, name) {
    const { editor, composer } = this, { squire } = editor;
    if (editor.isPlain || !composer.root.isConnected) return; // it is among the files
    const isWriting = editor.root.contains(document.activeElement), now = isWriting ? squire.getSelection().cloneRange() : null;
    const isSame = now && now.compareBoundaryPoints(Range.START_TO_START, range) === 0;
    if (editor.root.contains(range.commonAncestorContainer)) squire.setSelection(range);
    else squire.moveCursorToEnd();
    squire.insertImage(known.content, { alt: called(name), ...size ? scaled(size, WIDE) : {} });
    const after = squire.getSelection();
    range.setStart(after.endContainer, after.endOffset);
    range.collapse(true);
    if (now && !isSame) squire.setSelection(now);
    else if (!isWriting) document.activeElement?.closest('.composer') !== composer.root && editor.focus();
    composer.touched();
  }

  /** Pictures that came as data with pasted words. */
  async lift() {
    const { composer, editor } = this;
    const some = $$('img[src^="data:"]', editor.root).filter(one => !one.classList.contains('is-lifted'));
    if (!some.length) return;
    let refused = 0;
    for (const [place, image] of some.entries()) {
      const file = place < MOST ? fileOf(image, place) : null;
      if (!file) {
        image.remove();
        refused += 1;
        continue;
      }
      image.classList.add('is-lifted');
      composer.files.upload(file, { isInline: true }).then(known => {
        image.src = known.content;
        image.classList.remove('is-lifted');
        if (!image.className) image.removeAttribute('class');
      }, () => image.remove()).finally(() => composer.touched());
    }
    if (refused) toast(word('Some pictures could not be pasted. Attach them as files.'), { kind: 'bad' });
  }
}

/** A file of the data that stands in an address. */
function fileOf(image, place) {
  const [, type, text] = image.src.length <= LARGEST && DATA.exec(image.src) || [];
  if (!type) return null;
  try {
    const octets = Uint8Array.from(atob(text.replace(/\s/g, '')), letter => letter.charCodeAt(0));
    return new File([octets], `${word('picture')}-${place + 1}.${type.slice(6).replace('jpeg', 'jpg')}`, { type });
  } catch { return null; }
}

/** Sets up pictures of `composer`. */
export function start(composer) {
  const pictures = new Pictures(composer);
  composer.on('image', async () => {
    const some = await composer.files.choose({ accept: TYPES });
    if (some.length) pictures.add(some);
  });
  composer.on('pictures', some => pictures.add(some));
  const box = composer.editor.root;
  box.addEventListener('click', event => {
    if (event.target.nodeName !== 'IMG') return;
    import('./picturing.js').then(module => module.change(composer, event.target), () => {});
  });
  // Whatever a paste or a drag has left.
  new MutationObserver(() => pictures.lift()).observe(box, { childList: true, subtree: true });
}
