/* A small form in a dialog over the composer: a link, a picture. */
import { word } from '../page.js';

const made = (tag, more = {}) => Object.assign(document.createElement(tag), more);
let count = 0; // for ids of their own

/** A field with its label; the label's text, and what the field is. */
export function field(text, input, hint = '') {
  const box = made('div', { className: 'field' }), label = made('label', { textContent: text });
  input.id = label.htmlFor = `dialog-f-${count += 1}`;
  box.append(label, input);
  if (hint) {
    const said = made('p', { className: 'hint', id: `${input.id}-h`, textContent: hint });
    input.setAttribute('aria-describedby', said.id);
    box.append(said);
  }
  return box;
}

/** Shows `fields` under `title`. `take()` may give words of what is wrong with which field: {input, text}.
 * `more` are buttons beside: [text, act]. `closed()` is called at the end, however it came. */
export function show({ title, done, fields, take, more = [], closed = () => {} }) {
  const box = made('dialog', { className: 'dialog dialog--form' }), form = made('form', { noValidate: true });
  const head = made('div', { className: 'dialog__head' }), heading = made('h2', { textContent: title, id: `dialog-t-${count += 1}` });
  const body = made('div', { className: 'dialog__body stack' }), foot = made('div', { className: 'dialog__foot row' });
  const wrong = made('p', { className: 'error', id: `${heading.id}-e` });
  wrong.setAttribute('role', 'alert');
  box.setAttribute('aria-labelledby', heading.id);
  head.append(heading);
  body.append(...fields, wrong);
  for (const [text, act] of more) {
    const button = made('button', { type: 'button', className: 'btn btn--ghost', textContent: text });
    button.addEventListener('click', () => { box.close(); act(); });
    foot.append(button);
  }
  const cancel = made('button', { type: 'button', className: 'btn push', textContent: word('Cancel') });
  cancel.addEventListener('click', () => box.close());
  foot.append(cancel, made('button', { className: 'btn btn--primary', textContent: done }));
  form.append(body, foot);
  box.append(head, form);
  form.addEventListener('submit', event => {
    event.preventDefault();
    event.stopPropagation();
    const trouble = take();
    if (!trouble) return box.close();
    wrong.textContent = trouble.text;
    trouble.input.setAttribute('aria-invalid', 'true');
    trouble.input.setAttribute('aria-errormessage', wrong.id);
    trouble.input.focus();
  });
  // The page's keys, and the composer's, mean nothing here.
  box.addEventListener('keydown', event => event.stopPropagation());
  box.addEventListener('close', () => { box.remove(); closed(); });
  document.body.append(box);
  box.showModal();
  return box;
}
