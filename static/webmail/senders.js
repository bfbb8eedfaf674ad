/* What one says of a sender without leaving the page: block, allow, leave a list. */
import { report } from './acts.js';
import { $, send, toast, word } from './page.js';

async function sent(form, button) {
  const fields = new FormData(form, button);
  const menu = button?.closest('details.menu');
  if (menu) {
    menu.open = false;
    $('summary', menu).focus();
  }
  button?.classList.add('btn--loading');
  if (button) button.disabled = true;
  try {
    return await send(form.action, fields);
  } catch (error) {
    if (error.status !== 401) toast(error.message, { kind: 'bad' });
    return null;
  } finally {
    button?.classList.remove('btn--loading');
    if (button) button.disabled = false;
  }
}

/** Block and allow: what moves to Junk with it goes from the list, and Undo takes back both. */
async function list(form, button) {
  const answer = await sent(form, button);
  if (answer) report(answer, { verb: 'junk', refs: [String(new FormData(form).get('ref'))] });
}

/** In one click (RFC 8058): it takes some seconds, and the answer stays where the button was. */
async function leave(form, button) {
  const answer = await sent(form, button);
  if (!answer) return;
  const said = document.createElement('span');
  said.className = 'small strong';
  said.tabIndex = -1;
  said.textContent = answer.text;
  const had = form.contains(document.activeElement) || document.activeElement === document.body;
  if (form.isConnected) form.replaceWith(said);
  if (had) said.focus({ preventScroll: true });
  toast(answer.text || word('Done'));
}

document.addEventListener('submit', event => {
  const form = event.target;
  if (event.defaultPrevented || !$('.mail__read')
    || !form.matches?.('form[data-block], form[data-allow], form[data-unsubscribe]')) return;
  event.preventDefault();
  (form.matches('[data-unsubscribe]') ? leave : list)(form, event.submitter);
}, true); // before the handler that shows a form as sent
