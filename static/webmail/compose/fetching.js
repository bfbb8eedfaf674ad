/* The composer of a letter as the server draws it, with its looks. */
import { $, $$, Refused, ask, word } from '../page.js';

/** The section at `url`; rejects with words. */
export async function fetched(url) {
  const response = await ask(url, { headers: { Accept: 'text/html', 'HX-Request': 'true' } });
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const section = $('section.composer', page);
  if (response.ok && section) {
    await Promise.all($$('link[rel=stylesheet]', page).map(dressed));
    return document.importNode(section, true);
  }
  throw new Refused(response.status === 404 ? word('This is not there any more.') : word('This could not be shown.'),
    response.status);
}

/** The looks of the composer, once. */
function dressed(link) {
  if ($$('link[rel=stylesheet]').some(one => one.href === link.href)) return undefined;
  const made = document.createElement('link');
  made.rel = 'stylesheet';
  made.href = link.href;
  const ready = new Promise(resolve => { made.onload = made.onerror = resolve; });
  document.head.append(made);
  return ready;
}
