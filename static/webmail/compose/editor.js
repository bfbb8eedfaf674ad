/* The text of a letter: an editor of rich text on Squire, its tools, and plain text instead. */
import Squire from '../../vendor/squire.esm.min.js';
import { $, $$, toast, word } from '../page.js';
import { clean, remembered } from './cleaning.js';
import { plain, rich } from './plain.js';

const LONGEST = 500_000; // characters of one paste

export class Editor extends Squire {
  /** Its handles round a picture are styled by attributes, which the page's policy forbids: without their
   * places they push the text apart. How wide a picture is has a dialog of its own. */
  constructor(root, config) {
    super(root, config);
    this._imageResizer.destroy();
  }

  /** Going back and forth is parsed as anything else is: never by innerHTML. */
  _setRawHTML(html) {
    this._root.replaceChildren(remembered(html));
    if (!this._root.firstChild) this._root.append(this.createDefaultBlock());
    this._ignoreChange = true;
    return this;
  }
}

const PRESSED = { bold: 'B', italic: 'I', underline: 'U', bullets: 'UL', numbers: 'OL', quote: 'BLOCKQUOTE', link: 'A' };

/** What the modules of the composer know as `composer.editor`. */
class Text {
  constructor(root, squire) {
    this.root = root;
    this.squire = squire;
    this.isPlain = false;
  }

  html() { return this.squire.getHTML(); }

  put(html) { this.squire.setHTML(html); }

  text() { return plain(this.root); }

  focus() { this.squire.focus(); }

  /** The cursor at the very beginning, where an answer is written. */
  focusStart() {
    this.squire.moveCursorToStart();
    this.squire.focus();
    this.root.scrollTop = 0;
  }

  insertHtml(html) { this.squire.insertHTML(html); }

  insertImage(src, attributes = {}) { return this.squire.insertImage(src, attributes); }

  selectedText() { return this.squire.getSelectedText(); }

  /** The marked text becomes a link, or `text` is put there as one. */
  link(url, text = '') {
    if (text && this.squire.getSelectedText() !== text) {
      const made = document.createElement('a');
      made.href = url;
      made.textContent = text;
      this.squire.insertHTML(made.outerHTML);
    } else this.squire.makeLink(url);
  }

  unlink() { this.squire.removeLink(); }
}

function edits(composer, squire, name) {
  const has = tag => squire.hasFormat(tag);
  const acts = {
    bold: () => has('B') ? squire.removeBold() : squire.bold(),
    italic: () => has('I') ? squire.removeItalic() : squire.italic(),
    underline: () => has('U') ? squire.removeUnderline() : squire.underline(),
    bullets: () => has('UL') ? squire.removeList() : squire.makeUnorderedList(),
    numbers: () => has('OL') ? squire.removeList() : squire.makeOrderedList(),
    quote: () => has('BLOCKQUOTE') ? squire.decreaseQuoteLevel() : squire.increaseQuoteLevel(),
    clear: () => squire.removeAllFormatting(),
    link: () => composer.emit('link'),
    image: () => composer.emit('image'),
  };
  acts[name]?.();
}

/** One stop for Tab; arrows walk. */
function walked(bar) {
  const all = () => $$('button', bar).filter(one => one.offsetParent);
  const stop = to => $$('button', bar).forEach(one => { one.tabIndex = one === to ? 0 : -1; });
  stop($('button', bar));
  bar.addEventListener('focusin', event => stop(event.target));
  bar.addEventListener('keydown', event => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const buttons = all(), at = buttons.indexOf(document.activeElement);
    buttons[(at + by + buttons.length) % buttons.length]?.focus();
  });
  return () => { const first = all()[0]; if (first) stop(first); };
}

/** Sets up the text of `composer`: `composer.editor` from then on. */
export function start(composer) {
  const { root, form } = composer;
  const box = $('[data-rich]', root), area = $('[data-plain]', root), kept = form.elements.namedItem('html');
  const isPlain = form.elements.namedItem('plain'), switching = $('[data-compose=plain]', root);
  const squire = new Editor(box, { blockTag: 'DIV', sanitizeToDOMFragment: clean, didError: () => {},
    toPlainText: html => plain(clean(html)) });
  const editor = composer.editor = new Text(box, squire);
  const tools = $('[data-tools]', root), restop = walked(tools);

  function show(plainNow) {
    editor.isPlain = plainNow;
    isPlain.value = plainNow ? '1' : '';
    box.hidden = plainNow;
    area.hidden = !plainNow;
    $('[data-rich-tools]', root).hidden = plainNow;
    switching.setAttribute('aria-pressed', String(plainNow));
    restop();
    composer.emit('plain', plainNow);
  }

  /** Into the fields of the form what the editor holds. */
  editor.store = () => {
    if (editor.isPlain) return;
    kept.value = editor.html();
    area.value = editor.text();
  };
  /** Into the editor what the fields of the form hold. */
  editor.load = plainNow => {
    if (!plainNow) editor.put(kept.value);
    show(plainNow);
  };
  editor.reach = () => (editor.isPlain ? area : editor).focus();
  editor.begin = () => {
    if (!editor.isPlain) return editor.focusStart();
    area.setSelectionRange(0, 0);
    area.focus();
    area.scrollTop = 0;
  };

  function change() {
    if (editor.isPlain) {
      kept.value = rich(area.value);
      editor.load(false);
      editor.reach();
    } else {
      editor.store();
      const had = kept.value, text = area.value;
      show(true);
      area.focus();
      if ($('b,i,u,a,ul,ol,img,table,[style]', box)) {
        toast(word('Formatting is gone.'), { undo: () => {
          if (area.value !== text) return toast(word('The text was changed meanwhile.'), { kind: 'bad' });
          kept.value = had;
          editor.load(false);
          composer.touched();
        } });
      }
    }
    composer.touched();
  }

  tools.addEventListener('mousedown', event => event.preventDefault()); // the marked text stays marked
  tools.addEventListener('click', event => {
    const button = event.target.closest('[data-edit]');
    if (button) edits(composer, squire, button.dataset.edit);
  });
  switching.addEventListener('click', change);
  const pressed = () => {
    for (const [name, tag] of Object.entries(PRESSED)) {
      $(`[data-edit=${name}]`, tools).setAttribute('aria-pressed', String(squire.hasFormat(tag)));
    }
  };
  squire.addEventListener('pathChange', pressed);
  squire.addEventListener('select', pressed);
  squire.addEventListener('input', () => composer.touched());
  squire.addEventListener('willPaste', event => {
    if ((event.detail.html ?? event.detail.text ?? '').length > LONGEST) {
      event.preventDefault();
      toast(word('This is too long to be pasted. Attach it as a file.'), { kind: 'bad' });
    }
  });
  editor.load('isPlain' in isPlain.dataset);
  composer.on('close', () => squire.destroy());
  composer.emit('editor', editor);
}
