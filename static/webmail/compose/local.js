/* What is written, on this device, until the server says that it has it: a few letters of a person, each up
 * to a size, for some days. */
import { toast, word } from '../page.js';
import { clean } from './cleaning.js';
import { post } from './post.js';

const LARGEST = 300_000; // characters of one letter
const MOST = 20; // letters
const DAYS = 14;
const FRESH = 4000; // milliseconds: another tab is likely to be writing it
const name = (who, id) => `mh-draft:${who}:${id}`;

function read(at) {
  try {
    const found = JSON.parse(localStorage.getItem(at));
    return found && Array.isArray(found.fields) && typeof found.base === 'string' ? found : null;
  } catch { return null; }
}

function names(who) {
  try {
    return Object.keys(localStorage).filter(at => at.startsWith(`mh-draft:${who}:`));
  } catch { return []; } // storage is off
}

/** Keeps the fields of a letter; whether there was room. */
export function keep(who, id, base, fields) {
  const given = [...fields].filter(([one]) => one !== 'csrfmiddlewaretoken');
  const text = JSON.stringify({ at: Date.now(), base, fields: given });
  try {
    if (text.length > LARGEST) {
      // What was typed counts; how it looks, less.
      const less = given.map(([one, value]) => one === 'html' ? [one, ''] : one === 'plain' ? [one, '1'] : [one, value]);
      const short = JSON.stringify({ at: Date.now(), base, fields: less });
      if (short.length > LARGEST) return false;
      localStorage.setItem(name(who, id), short);
    } else localStorage.setItem(name(who, id), text);
    tidy(who);
    return true;
  } catch { return false; } // full, or off
}

export function forget(who, id) {
  try { localStorage.removeItem(name(who, id)); } catch { /* storage is off */ }
}

/** What was kept of this letter, or null: {at, base, fields}. */
export const kept = (who, id) => read(name(who, id));

/** The oldest go first; what is too old goes anyway. */
function tidy(who) {
  const all = names(who).map(at => [at, read(at)?.at ?? 0]).sort((one, other) => other[1] - one[1]);
  all.forEach(([at, when], place) => {
    if (place >= MOST || when < Date.now() - DAYS * 86_400_000) localStorage.removeItem(at);
  });
}

const isOpen = id => Boolean(document.querySelector(`[data-composer="${id}"]`));

/** Says again to the server what a tab wrote that was closed before it was saved; what cannot be saved so is
 * offered to its writer. `open(url)` opens a composer. */
export async function rescue(who, open) {
  let isEarly = false;
  for (const at of names(who)) {
    const copy = read(at), id = at.slice(name(who, '').length);
    if (!copy) { localStorage.removeItem(at); continue; }
    if (isOpen(id)) continue;
    if (copy.at > Date.now() - FRESH) {
      isEarly = true;
      continue;
    }
    try {
      await post(copy.base, new URLSearchParams(copy.fields), { quiet: true });
      localStorage.removeItem(at);
      offer(word('What you wrote last was not saved. It is in Drafts now.'), copy.base, open);
    } catch (error) {
      if (error.status === 409 && isSame(error.answer.fields, copy.fields)) localStorage.removeItem(at);
      else if (error.status === 0 || error.status === 401) return;
      else offer(word('What you wrote last was not saved. It is on this device.'), copy.base, open);
    }
  }
  if (isEarly) setTimeout(() => rescue(who, open), FRESH);
}

const offer = (text, url, open) => toast(text, { action: { text: word('Open'), act: () => open(url) } });

const TOLD = ['to', 'cc', 'bcc', 'subject'];
const worded = html => clean(String(html ?? '')).textContent.replace(/\s+/g, ' ').trim();

/** Whether the server has what stands in `fields`, pairs of names and values. */
export function isSame(theirs, fields) {
  const ours = Object.fromEntries(fields);
  if (!theirs) return false;
  const same = one => String(theirs[one] ?? '').trim() === String(ours[one] ?? '').trim();
  return TOLD.every(same) && (ours.plain ? same('text') : worded(theirs.html) === worded(ours.html));
}
