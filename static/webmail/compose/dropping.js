/* Files that are dropped on a composer or pasted into it. Pictures stand within the text, if they come there. */
import { $, icon, toast, word } from '../page.js';

const hasFiles = event => Boolean(event.dataTransfer?.types.includes('Files'));
const isPicture = file => /^image\/(?:png|jpeg|gif|webp)$/.test(file.type);
const NAMES = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif', 'image/webp': 'webp' };

/** A picture of the clipboard is called "image.png" by every browser: many would be the same. */
function named(file) {
  if (!/^image\.\w+$/.test(file.name) || !NAMES[file.type]) return file;
  const at = new Date(), two = number => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  return new File([file], `${word('picture')}-${day}-${time}.${NAMES[file.type]}`, { type: file.type });
}

/** The files of a drop, without folders. */
function dropped(data) {
  const items = [...data.items].filter(one => one.kind === 'file');
  const folders = items.filter(one => one.webkitGetAsEntry?.()?.isDirectory);
  if (folders.length) toast(word('A folder cannot be attached. Pack it into one file first.'), { kind: 'bad' });
  return items.filter(one => !folders.includes(one)).map(one => one.getAsFile()).filter(Boolean);
}

/** Whether the page that was copied from only wraps one picture: then the picture is meant. */
function isOnePicture(html) {
  const page = new DOMParser().parseFromString(html.slice(0, 100_000), 'text/html');
  return page.images.length === 1 && !page.body.textContent.trim();
}

function veil() {
  const made = document.createElement('div'), said = document.createElement('p');
  made.className = 'composer__drop';
  made.hidden = true;
  made.setAttribute('aria-hidden', 'true');
  said.append(icon('paperclip', 'i--lg'), Object.assign(document.createElement('span'), { textContent: word('Drop files to attach them') }));
  made.append(said);
  return made;
}

export function arriving(composer, files) {
  const { root } = composer, over = veil();
  root.append(over);
  let depth = 0;
  const inText = event => !composer.editor.isPlain && composer.editor.root.contains(event.target);
  const shown = isShown => {
    if (!isShown) depth = 0;
    over.hidden = !isShown;
  };

  function take(some, isInText) {
    const pictures = isInText ? some.filter(isPicture) : [];
    files.add(some.filter(one => !pictures.includes(one)));
    if (pictures.length) composer.emit('pictures', pictures);
  }

  root.addEventListener('dragenter', event => {
    if (!hasFiles(event)) return;
    depth += 1;
    $('span', over).textContent = inText(event) ? word('Drop files to attach them, pictures to show them here') : word('Drop files to attach them');
    shown(true);
  });
  root.addEventListener('dragleave', event => {
    if (hasFiles(event) && (depth -= 1) <= 0) shown(false);
  });
  root.addEventListener('dragover', event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  });
  root.addEventListener('drop', event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    shown(false);
    take(dropped(event.dataTransfer), inText(event));
  }, true);

  // Beside the composer a file would be opened in place of the page.
  const beside = event => { if (hasFiles(event) && !event.defaultPrevented) event.preventDefault(); };
  addEventListener('dragover', beside);
  addEventListener('drop', beside);
  composer.on('close', () => {
    removeEventListener('dragover', beside);
    removeEventListener('drop', beside);
  });

  // On its way down: the editor would put a picture into the text as data.
  root.addEventListener('paste', event => {
    const data = event.clipboardData, some = [...data?.files ?? []];
    if (!some.length) return;
    const html = data.types.includes('text/html') ? data.getData('text/html') : '';
    if (html && !isOnePicture(html)) return; // words of a program that has drawn them as well
    if (!html && data.types.includes('text/plain') && data.getData('text/plain').trim() && some.every(isPicture)) return;
    event.preventDefault();
    event.stopPropagation();
    take(some.map(named), inText(event));
  }, true);
}
