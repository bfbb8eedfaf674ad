/* Dragging rows to a folder or a label; the keyboard's way is `v` and `l` (menus.js). */
import { act, fieldsFor } from './acts.js';
import { $$, plural } from './page.js';
import { boxOf, ticked } from './selection.js';

let dragged = [];

document.addEventListener('dragstart', event => {
  const row = event.target.closest?.('article.conv');
  if (!row?.dataset.ref) return;
  dragged = boxOf(row)?.checked ? ticked() : [row];
  event.dataTransfer.effectAllowed = 'move';
  event.dataTransfer.setData('text/plain', '');
  const ghost = document.createElement('div');
  ghost.className = 'drag-ghost';
  ghost.textContent = plural(dragged.length, '%(count)s conversation', '%(count)s conversations');
  document.body.append(ghost);
  event.dataTransfer.setDragImage(ghost, -8, -8);
  document.body.classList.add('is-dragging');
  dragged.forEach(one => one.classList.add('is-dragged'));
});

const placeAt = event => (dragged.length ? event.target.closest?.('[data-mailbox], [data-label]') : null);

document.addEventListener('dragover', event => {
  const place = placeAt(event);
  $$('.is-drop').forEach(one => { if (one !== place) one.classList.remove('is-drop'); });
  if (!place) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = 'move';
  place.classList.add('is-drop');
});

document.addEventListener('drop', event => {
  const place = placeAt(event), some = dragged;
  endDrag();
  if (!place) return;
  event.preventDefault();
  const fields = { ...fieldsFor(some), all: undefined, ref: some.map(row => row.dataset.ref).join(' ') };
  if (place.dataset.label) {
    act('label', some, { ...fields, verb: 'label', label: place.dataset.label }, place.dataset.label);
    return;
  }
  const elsewhere = some.filter(row => !row.dataset.ref.startsWith(`${place.dataset.mailbox}.`));
  if (!elsewhere.length) return;
  fields.ref = elsewhere.map(row => row.dataset.ref).join(' ');
  act('move', elsewhere, { ...fields, verb: 'move', target: place.dataset.mailbox });
});

document.addEventListener('dragend', endDrag);

function endDrag() {
  dragged.forEach(one => one.classList.remove('is-dragged'));
  dragged = [];
  document.body.classList.remove('is-dragging');
  $$('.is-drop').forEach(one => one.classList.remove('is-drop'));
  $$('.drag-ghost').forEach(one => one.remove());
}
