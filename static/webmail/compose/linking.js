/* The dialog of a link: its words and where it leads. */
import { word } from '../page.js';
import { isAddress } from './addresses.js';
import { field, show } from './dialog.js';

const LONGEST = 2000; // characters of an address

/** The address that was meant, or '' if it can be none: a name of a site gets its scheme. */
export function target(typed) {
  const text = typed.trim().replace(/[\u0000-\u001f\u007f]/g, '');
  if (!text || text.length > LONGEST) return '';
  if (isAddress(text)) return `mailto:${text}`;
  const whole = /^[a-z][a-z\d+.-]*:(?!\d)/i.test(text) ? text : `https://${text.replace(/^\/+/, '')}`;
  try {
    const url = new URL(whole);
    if (url.protocol === 'mailto:' || url.protocol === 'tel:') return url.href;
    const isWeb = (url.protocol === 'https:' || url.protocol === 'http:') && /[.:]|^localhost$/.test(url.hostname);
    return isWeb && !/\s/.test(text) ? url.href : '';
  } catch { return ''; }
}

const made = more => Object.assign(document.createElement('input'), { className: 'input', autocomplete: 'off', ...more });

function linkAt(editor) {
  const range = editor.squire.getSelection(), node = range.commonAncestorContainer;
  const link = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest('a');
  return link && editor.root.contains(link) ? link : null;
}

/** Asks where what is marked leads. */
export function ask(composer) {
  const { editor } = composer;
  if (editor.isPlain) return;
  const link = linkAt(editor), range = editor.squire.getSelection();
  if (link) {
    range.selectNodeContents(link);
    editor.squire.setSelection(range);
  }
  const marked = (link?.textContent ?? editor.selectedText()).replace(/\u200b/g, '');
  const words = made({ type: 'text', value: marked, maxLength: 500, dir: 'auto' });
  const address = made({
    type: 'text', inputMode: 'url', maxLength: LONGEST, dir: 'ltr', spellcheck: false,
    value: link?.getAttribute('href') ?? (target(marked) && /\.|@/.test(marked) ? target(marked) : ''),
  });
  // What is marked stays as it is, bold or not: its words are not changed here.
  const isMarked = !link && Boolean(marked.trim());
  const fields = [field(word('Address'), address, word('A page, an e-mail address or a telephone number with tel:'))];
  if (!isMarked) fields.unshift(field(word('Text'), words));
  show({
    title: link ? word('Change link') : word('Add link'), done: link ? word('Change') : word('Add'), fields,
    more: link ? [[word('Remove link'), () => { editor.squire.setSelection(range); editor.unlink(); composer.touched(); }]] : [],
    take() {
      const url = target(address.value);
      if (!url) return { input: address, text: word('This is no address of a page. Example: https://example.org') };
      editor.squire.setSelection(range);
      const text = words.value.trim() || (link ? '' : marked.trim()) || address.value.trim();
      if (isMarked) editor.link(url);
      else if (link && text === marked) editor.link(url);
      else put(editor, url, text);
      composer.touched();
      return null;
    },
    closed: () => editor.focus(),
  });
  (isMarked || link ? address : words).focus();
}

function put(editor, url, text) {
  const link = Object.assign(document.createElement('a'), { href: url, textContent: text });
  editor.insertHtml(link.outerHTML);
}
