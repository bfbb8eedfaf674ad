/* Composers are opened here: over the page, or as the page, with all that makes one work. */
import { lay } from '../over.js';
import { $, $$, announce, word } from '../page.js';
import { start as edit } from './editor.js';
import { fetched } from './fetching.js';
import { start as files } from './files.js';
import { start as hints } from './hint.js';
import { Composer } from './letter.js';
import { start as links } from './link.js';
import { kept } from './local.js';
import { start as people } from './people.js';
import { start as pictures } from './pictures.js';
import { Saver } from './saving.js';
import { start as sendable } from './sending.js';
import { start as signed } from './sender.js';

const isPhone = () => matchMedia('(max-width: 900px)').matches;
const PARTS = [edit, signed, sendable, people, files, pictures, links, hints];
const opened = new Map(); // composers by their section

function holder() {
  let found = $('.composers');
  if (!found) {
    found = document.createElement('div');
    found.className = 'composers';
    document.body.append(found);
  }
  return found;
}

const here = url => [...opened.values()].find(one => one.base() === new URL(url, location).pathname);
let opening = null; // a second press while the first is on its way means the same

/** Opens the letter at `url` over the page, or shows it if it is open. */
export function open(url, options) {
  opening ??= opens(url, options).finally(() => { opening = null; });
  return opening;
}

/** One that is open already. */
function again(composer) {
  composer.minimise(false);
  composer.editor.reach();
  return composer;
}

async function opens(url, { opener = null } = {}) {
  const open = here(url);
  if (open) return again(open);
  const id = /[0-9a-f-]{36}/.exec(new URL(url, location).pathname)?.[0];
  const copy = id && kept(document.body.dataset.who ?? '', id);
  let section;
  try {
    section = await fetched(url);
  } catch (error) {
    // It was never saved: its words are here, and its name with them.
    if (error.status !== 404 || !copy) throw error;
    section = await fetched('/mail/compose/');
    section.dataset.composer = id;
    $('form', section).action = copy.base;
  }
  // The way to it may have been another one: from its message in Drafts.
  const same = [...opened.values()].find(one => one.draft() === section.dataset.composer);
  if (same) return again(same);
  for (const other of opened.values()) {
    if (isPhone()) other.close();
    else if (!other.root.classList.contains('composer--page')) other.minimise(true);
  }
  holder().append(section);
  const composer = begin(section, opener);
  if (copy) restore(composer, copy);
  if (isPhone()) {
    composer.isLaid = true;
    lay(() => {
      if (!composer.isLaid) return;
      composer.isLaid = false;
      composer.close();
    });
  }
  return composer;
}

/** What this device kept is newer than what the server has. */
function restore(composer, { fields }) {
  const ours = Object.fromEntries(fields);
  composer.put({ receipt: '', plain: '', ...ours });
  if (ours.revision) composer.revision = ours.revision;
  composer.touched();
  announce(word('What was kept on this device is here again.'));
}

/** A composer that stands in the page already. */
export function start(section) {
  const composer = begin(section, null);
  const copy = kept(document.body.dataset.who ?? '', composer.draft());
  if (copy) restore(composer, copy);
  return composer;
}

function begin(section, opener) {
  const composer = new Composer(section, opener);
  opened.set(section, composer);
  composer.on('close', () => opened.delete(section));
  section.classList.add('is-scripted');
  $$('[data-unscripted]:not(select)', section).forEach(one => one.remove());
  globalThis.htmx?.process(section);
  PARTS.forEach(part => part(composer));
  composer.saver = new Saver(composer);
  listen(composer);
  composer.title();
  if (!section.contains(document.activeElement)) focus(composer);
  return composer;
}

function focus(composer) {
  const to = $$('[data-people=to] :is(input, textarea)', composer.root).find(one => one.offsetParent);
  if (composer.field('to')?.value.trim() || !to) {
    if (composer.field('subject').value.trim()) composer.editor.begin();
    else composer.field('subject').focus();
  } else to.focus({ preventScroll: true });
}

const ACTS = {
  minimise: composer => composer.minimise(),
  full: composer => composer.full(),
  close: composer => composer.close(),
  attach: composer => composer.emit('attach'),
};

function listen(composer) {
  const { root, form } = composer;
  root.addEventListener('click', event => {
    const button = event.target.closest('[data-compose]');
    ACTS[button?.dataset.compose]?.(composer);
  });
  $('.composer__head', root).addEventListener('dblclick', event => {
    if (!event.target.closest('button')) composer.minimise();
  });
  form.addEventListener('submit', event => event.preventDefault());
  composer.field('subject').addEventListener('input', () => composer.title());
  composer.field('subject').addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    composer.editor.reach();
  });
  // The keys of the page mean nothing while somebody writes, on its buttons neither.
  root.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.key === 'Tab') return;
    if (event.key !== 'Escape') return event.stopPropagation();
    if (event.defaultPrevented || $('details[open]', root) || $('dialog[open]') || root.matches('.composer--page')) return;
    event.preventDefault();
    composer.close();
  });
}
