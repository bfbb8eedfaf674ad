/* Requests of the composer. Who was signed out signs in over the composer and goes on; a token that has
 * become old is fetched anew. */
import { $, Refused, csrf, word } from '../page.js';

const HEADERS = { Accept: 'application/json', 'X-Requested-With': 'fetch' };

async function once(url, body, options) {
  try {
    return await fetch(url, {
      method: 'POST', credentials: 'same-origin', body, ...options,
      headers: { ...HEADERS, 'X-CSRFToken': csrf() },
    });
  } catch {
    throw new Refused(word('The server cannot be reached.'), 0);
  }
}

const isOut = response => response.status === 401
  || (response.redirected && new URL(response.url).pathname === (document.body.dataset.login || '/login/'));

const isForeign = response => response.status === 403
  && !response.headers.get('Content-Type')?.includes('json');

/** The session has another token, since somebody signed in elsewhere; whether there is a session at all. */
async function freshToken() {
  const response = await fetch('/mail/compose/', { headers: { 'HX-Request': 'true' } }).catch(() => null);
  if (!response || isOut(response)) return false;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const token = $('[name=csrfmiddlewaretoken]', page)?.value;
  if (token) $('meta[name=csrf-token]').content = token;
  return true;
}

/** Posts `body`; gives {answer, date}, `date` being the server's clock in milliseconds.
 *
 * Rejects with `Refused`, whose `answer` is what the server said besides; `quiet`: nobody is asked to sign in.
 */
export async function post(url, body, { quiet = false, ...options } = {}) {
  let response = await once(url, body, options);
  let isLost = isOut(response);
  if (isForeign(response)) {
    isLost = !await freshToken();
    if (!isLost) response = await once(url, body, options);
  }
  if (isLost) {
    if (quiet || !await (await import('./signin.js')).signedIn()) throw new Refused(word('You are signed out.'), 401);
    response = await once(url, body, options);
  }
  const answer = await response.json().catch(() => null);
  const date = Date.parse(response.headers.get('Date') ?? '') || Date.now();
  if (response.ok && answer) return { answer, date };
  const refused = new Refused(answer?.error || word('This could not be done. Try again.'), response.status);
  refused.answer = answer ?? {};
  throw refused;
}
