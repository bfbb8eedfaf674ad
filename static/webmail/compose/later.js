/* The times at which a letter may leave: a few that the server names, and any other. */
import { $, $$, ask, word } from '../page.js';

const STALE = 300_000; // milliseconds: "this evening" may be over by then

/** Reads the menu anew, as it stands in an empty composer. */
async function renew(box) {
  const response = await ask('/mail/compose/', { headers: { Accept: 'text/html', 'HX-Request': 'true' } });
  const fresh = $('[data-times]', new DOMParser().parseFromString(await response.text(), 'text/html'));
  if (fresh) {
    box.replaceChildren(...document.importNode(fresh, true).childNodes);
    Object.assign(box.dataset, fresh.dataset);
  }
}

function line(label, field) {
  const made = document.createElement('label'), text = document.createElement('span');
  made.className = 'field';
  text.className = 'field__label';
  text.textContent = label;
  made.append(text, field);
  return made;
}

/** A dialog for a date and time; `take(value)` gets an ISO minute in the person's time zone. */
export function pick({ title, done, zone, earliest, latest, value = '' }, take) {
  const box = document.createElement('dialog'), form = document.createElement('form'), field = document.createElement('input');
  const head = document.createElement('div'), heading = document.createElement('h2'), body = document.createElement('div');
  const foot = document.createElement('div'), cancel = document.createElement('button'), ok = document.createElement('button');
  box.className = 'dialog dialog--form';
  box.setAttribute('aria-labelledby', 'pick-t');
  head.className = 'dialog__head';
  heading.id = 'pick-t';
  heading.textContent = title;
  head.append(heading);
  field.type = 'datetime-local';
  field.className = 'input';
  field.required = true;
  Object.assign(field, { min: earliest, max: latest, value: value || earliest });
  body.className = 'dialog__body stack';
  body.append(line(zone ? word('Date and time (%(zone)s)', { zone }) : word('Date and time'), field));
  foot.className = 'dialog__foot row';
  Object.assign(cancel, { type: 'button', className: 'btn push', textContent: word('Cancel') });
  Object.assign(ok, { className: 'btn btn--primary', textContent: done });
  foot.append(cancel, ok);
  form.append(body, foot);
  box.append(head, form);
  cancel.addEventListener('click', () => box.close());
  box.addEventListener('close', () => box.remove());
  form.addEventListener('submit', event => {
    event.preventDefault();
    event.stopPropagation();
    box.close();
    take(field.value);
  });
  document.body.append(box);
  box.showModal();
}

/** The menu beside Send; `send({when})` sends. */
export function later(composer, send) {
  const { root } = composer, menu = $('[data-later]', root), box = $('[data-times]', menu);
  let at = Date.now();
  menu.addEventListener('toggle', () => {
    if (!menu.open || Date.now() - at < STALE) return;
    at = Date.now();
    renew(box).catch(() => {});
  });
  menu.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (!button) return;
    menu.open = false;
    if (button.name === 'when') send({ when: button.value });
  });
  menu.addEventListener('keydown', event => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const items = $$('.menu__item', menu).filter(one => one.offsetParent), to = items.indexOf(document.activeElement) + by;
    items[(to + items.length) % items.length]?.focus();
  });
  return {
    open() {
      menu.open = true;
      $('.menu__item', menu)?.focus();
    },
    pick: () => pick({
      title: word('Send later'), done: word('Schedule'), zone: root.dataset.zone,
      earliest: box.dataset.earliest, latest: box.dataset.latest,
    }, when => send({ when })),
  };
}
