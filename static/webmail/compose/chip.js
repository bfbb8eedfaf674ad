/* A recipient as it is drawn: a name that can be walked to, and a button that takes it away. */
import { $, icon, word } from '../page.js';
import { people } from './addresses.js';
import { avatar } from './avatar.js';

export const known = new WeakMap(); // the person of each chip

/** Gives a chip or the field the focus. */
export function reach(stop) {
  const button = $('.to-chip__name', stop ?? document.createElement('i'));
  (button ?? stop)?.focus();
}

export function chip(person) {
  const made = document.createElement('span'), name = document.createElement('button'), away = document.createElement('button');
  const said = document.createElement('bdi');
  made.className = person.address ? 'to-chip' : 'to-chip to-chip--warn';
  made.draggable = true;
  made.title = person.address ? person.text : word('This is no address. Press Enter to change it.');
  name.type = away.type = 'button';
  name.className = 'to-chip__name';
  name.tabIndex = away.tabIndex = -1;
  said.className = 'trunc';
  said.textContent = person.shown;
  name.append(person.address ? avatar(person.shown) : icon('triangle-alert', 'i--sm'), said);
  name.setAttribute('aria-label', person.address ? person.text : word('%(text)s is no address', { text: person.words }));
  name.addEventListener('focus', () => made.classList.add('is-reached'));
  name.addEventListener('blur', () => made.classList.remove('is-reached'));
  away.className = 'chip__x';
  away.setAttribute('aria-label', word('Remove %(name)s', { name: person.shown }));
  away.append(icon('x'));
  made.append(name, away);
  known.set(made, person);
  return made;
}

/** Chips go to another row by dragging; by keyboard they are cut and pasted. */
export function draggable(row) {
  const { place, box } = row;
  place.addEventListener('dragstart', event => {
    const at = event.target.closest?.('.to-chip');
    if (!at) return;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', known.get(at).text);
    event.dataTransfer.setData('application/x-recipient', row.name);
    at.classList.add('is-dragged');
  });
  place.addEventListener('dragend', event => {
    const at = event.target.closest?.('.to-chip');
    at?.classList.remove('is-dragged');
    if (at && event.dataTransfer.dropEffect === 'move' && place.contains(at)) {
      at.remove();
      row.changed();
    }
  });
  const isOurs = event => event.dataTransfer.types.includes('application/x-recipient') && !$('.is-dragged', place);
  box.addEventListener('dragover', event => {
    if (!isOurs(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'move';
  });
  box.addEventListener('drop', event => {
    if (!isOurs(event)) return;
    event.preventDefault();
    row.finish();
    row.take(people(event.dataTransfer.getData('text/plain')));
  });
}
