/* Send, send later, throw away: and for a while, take it back. */
import { takeOut } from '../atonce.js';
import { $, rows, tell, toast, word } from '../page.js';
import { write } from '../compose.js';
import { go } from '../shell.js';
import { later } from './later.js';
import { post } from './post.js';

const GOODBYE = 4000; // milliseconds that "Sent" stays when nothing can be undone any more

function busy(composer, isBusy) {
  const button = $('[data-compose=send]', composer.root);
  button.classList.toggle('btn--loading', isBusy);
  button.setAttribute('aria-busy', String(isBusy));
}

/** Asks by the server's words whether it is meant so; resolves with yes or no. */
function sure(text) {
  return new Promise(resolve => {
    const box = document.createElement('dialog'), head = document.createElement('div'), title = document.createElement('h2');
    const foot = document.createElement('div');
    box.className = 'dialog dialog--form';
    box.setAttribute('aria-labelledby', 'sure-t');
    head.className = 'dialog__head';
    title.id = 'sure-t';
    title.textContent = text;
    head.append(title);
    foot.className = 'dialog__foot row';
    for (const [name, answer, look] of [[word('Go on writing'), false, 'btn push'], [word('Send anyway'), true, 'btn btn--primary']]) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = look;
      button.textContent = name;
      button.addEventListener('click', () => box.close(answer ? 'yes' : ''));
      foot.append(button);
    }
    box.append(head, foot);
    box.addEventListener('close', () => {
      box.remove(); // first: who is asked has the keyboard as long as it is there
      resolve(box.returnValue === 'yes');
    });
    document.body.append(box);
    box.showModal();
  });
}

/** A dialog gives the focus back to a field, but not the cursor: what is typed then would go nowhere. */
function reach(field) {
  field.blur();
  field.focus();
}

/** Tells that it is sent; for as long as it waits on the server, there is a way back. */
function told({ answer, date }) {
  const left = answer.undo && answer.until ? answer.until * 1000 - date : 0;
  const undo = () => takeBack(answer);
  // What leaves at a time of its own can be taken back until then.
  if (left <= 0) return toast(answer.text, answer.state === 'scheduled' && answer.undo ? { undo } : {});
  const shown = toast(answer.text, { undo, shown: left + GOODBYE });
  setTimeout(() => {
    if (!shown.isConnected) return;
    const said = $('span', shown), button = $('[data-undo]', shown);
    const held = button === document.activeElement;
    button.remove();
    shown.undo = null;
    said.textContent = word('Message sent');
    if (held) $('button', shown).focus();
  }, left);
  return shown;
}

/** What was answered is in the archive now: who reads it goes back to the list, where its row has the
 * focus, and so would stay. */
async function leave(source) {
  const list = $('.mail__read [data-key=back]'), thread = $('.thread')?.dataset.thread;
  if (list) await go(list.href);
  const isHere = $('.mail__list')?.dataset.mailboxId === source.split('.')[0];
  const gone = isHere ? rows().filter(row => thread && row.dataset.thread === thread) : [];
  if (gone.length) takeOut(gone);
  tell('changed');
}

async function takeBack({ undo, archived }) {
  try {
    const { answer } = await post(undo, new URLSearchParams(archived ? { token: archived } : {}));
    if (answer.url) await write(answer.url);
    toast(answer.text);
  } catch (error) {
    toast(error.message, { kind: 'bad', ...error.status === 0 ? { retry: () => takeBack({ undo, archived }) } : {} });
  }
}

class Sending {
  constructor(composer) {
    this.composer = composer;
    this.isBusy = false;
  }

  /** Sends once, however often it is asked. */
  async send(more = {}) {
    if (this.isBusy) return;
    this.isBusy = true;
    busy(this.composer, true);
    try {
      await this.sends(more);
    } finally {
      this.isBusy = false;
      busy(this.composer, false);
    }
  }

  async sends(more) {
    const { composer } = this, { saver } = composer;
    composer.clear();
    if (!await composer.asked('beforesend', more)) return;
    while (saver.running) await saver.running.catch(() => {});
    if (saver.isHeld) return;
    saver.lookNow(); // kept on this device before anything else
    saver.isHeld = true;
    const fields = composer.fields(), said = fields.toString();
    try {
      const done = await post(`${composer.base()}send/`, composer.whole(fields, more));
      saver.drop();
      composer.remove();
      told(done);
      if (more.archive) leave(fields.get('source') ?? '');
    } catch (error) {
      saver.isHeld = false;
      if (error.status !== 409 && error.answer?.revision) saver.agreed(error.answer.revision, said);
      await this.failed(error, more);
    }
  }

  async failed(error, more) {
    const { composer } = this, { saver } = composer;
    if (error.answer?.ask && !more.sure) {
      if (await sure(error.message)) return this.sends({ ...more, sure: '1' });
      if (error.answer.field === 'subject') reach(composer.field('subject')); else composer.editor.reach();
      return;
    }
    if (error.status === 409 && error.answer?.fields) return saver.conflict(error.answer);
    if (error.status === 410) return saver.gone(error.message);
    const again = [[word('Try again'), () => this.send(more)]];
    composer.say(error.message, { field: error.answer?.field, actions: error.answer?.field ? [] : again });
    if (error.status === 0) saver.save().catch(() => {});
  }

  /** Throws it away; what was never saved is saved first, so that it can come back. */
  async discard() {
    const { composer } = this, { saver } = composer, base = composer.base();
    try {
      if (saver.lookNow() && !saver.isHeld) await composer.save();
      if (composer.revision === '0' && !saver.isHeld) {
        saver.drop();
        return composer.remove();
      }
      const { answer } = await post(`${base}discard/`, new URLSearchParams());
      saver.drop();
      composer.remove();
      toast(answer.text, { undo: () => takeBack({ undo: answer.undo }) });
    } catch (error) {
      composer.say(error.message, { actions: [[word('Try again'), () => this.discard()]] });
    }
  }
}

/** Sets up Send, its menu and Discard of `composer`. */
export function start(composer) {
  const sending = new Sending(composer), { root } = composer;
  const menu = later(composer, more => sending.send(more));
  const acts = {
    send: () => sending.send(),
    archive: () => sending.send({ archive: '1' }),
    later: () => menu.open(),
    pick: () => menu.pick(),
    discard: () => sending.discard(),
  };
  root.addEventListener('click', event => {
    const button = event.target.closest('[data-compose]');
    acts[button?.dataset.compose]?.();
  });
  root.addEventListener('mh:compose', event => acts[event.detail]?.());
  composer.send = more => sending.send(more);
}
