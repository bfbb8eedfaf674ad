/* Links: what asks for them is loaded with the first. */
import { $, toast, word } from '../page.js';

async function ask(composer) {
  try {
    (await import('./linking.js')).ask(composer);
  } catch {
    toast(word('The server cannot be reached.'), { kind: 'bad' });
  }
}

/** Sets up links of `composer`. */
export function start(composer) {
  composer.on('link', () => ask(composer));
  $('[data-rich]', composer.root).addEventListener('keydown', event => {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    ask(composer);
  });
}
