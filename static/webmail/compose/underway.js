/* The uploads of this page, and how a file is taken from its letter: what is known before the first upload. */
import { csrf } from '../page.js';

/** Uploads by the address of their file: a composer that is opened again finds what still runs. */
export const running = new Map();

export const JSON_ONLY = { Accept: 'application/json', 'X-Requested-With': 'fetch' };

/** Takes a file from its letter; one for which this fails goes with the draft. `keepalive`: the page goes. */
export function erase(url, keepalive = false) {
  return fetch(url, { method: 'DELETE', headers: { ...JSON_ONLY, 'X-CSRFToken': csrf() }, keepalive }).catch(() => null);
}
