/* A letter is saved while it is written: two seconds after the typing stops, when the composer loses the
 * focus, and as the page goes. Until the server has it, it is on this device. */
import { announce, icon, word } from '../page.js';
import { forget, isSame, keep } from './local.js';
import { post } from './post.js';

const PAUSE = 2000, LONGEST = 15_000; // milliseconds after the last, the first change
const LOOK = 250; // milliseconds in which strokes are gathered
const AGAIN = [3000, 6000, 15_000, 30_000]; // milliseconds until we try again
const BEACON = 60_000; // bytes that browsers carry for a page that goes: 64 KiB

export class Saver {
  constructor(composer) {
    this.composer = composer;
    this.who = document.body.dataset.who ?? '';
    this.known = composer.fields().toString(); // as the server has it
    this.seen = this.known; // as we looked last
    this.running = null;
    this.tries = 0;
    this.isDue = false; // a save is owed, whatever the fields say: a file has come, or the last save failed
    this.isHeld = false;
    const { form, root } = composer;
    form.addEventListener('input', () => this.touched());
    form.addEventListener('change', () => this.touched());
    root.addEventListener('focusout', event => {
      if (!root.contains(event.relatedTarget)) this.lookNow() && this.soon(0);
    });
    this.leaving = () => this.leave();
    this.online = () => { if (this.isDirty) this.soon(0); };
    addEventListener('pagehide', this.leaving);
    document.addEventListener('visibilitychange', this.leaving);
    addEventListener('online', this.online);
  }

  get isDirty() { return this.seen !== this.known || this.isDue; }

  /** Something may have changed. */
  touched() {
    this.looking ??= setTimeout(() => this.lookNow(), LOOK);
  }

  /** Looks what has changed, and keeps it here; whether anything is to be saved. */
  lookNow() {
    clearTimeout(this.looking);
    this.looking = null;
    if (this.isOver) return false;
    const fields = this.composer.fields(), now = fields.toString();
    if (now !== this.seen) {
      this.seen = now;
      this.isKept = keep(this.who, this.composer.draft(), this.composer.base(), this.composer.whole(fields));
      this.first ??= Date.now();
      this.soon(Math.max(0, Math.min(PAUSE - LOOK, this.first + LONGEST - Date.now())));
    }
    return now !== this.known;
  }

  soon(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.save().catch(() => {}); }, milliseconds);
  }

  /** Saves now what is not saved; resolves when the server has all that there is. */
  async save({ always = false } = {}) {
    if (always) this.isDue = true;
    while (this.running) await this.running.catch(() => {});
    if (!this.lookNow() && !this.isDue || this.isOver || this.isHeld) return;
    clearTimeout(this.timer);
    this.running = this.once();
    try { await this.running; } finally { this.running = null; }
    if (this.lookNow() || this.isDue) return this.save();
  }

  async once() {
    const { composer } = this, fields = composer.fields(), said = fields.toString();
    this.first = null;
    this.isDue = false; // what comes from now on is owed another
    this.tell('saving');
    try {
      const { answer } = await post(composer.base(), composer.whole(fields));
      this.saved(answer, said);
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** The server has what was `said`, and counts it so. */
  agreed(revision, said) {
    this.composer.revision = revision;
    this.known = said;
    this.tries = 0;
    if (this.seen === said) forget(this.who, this.composer.draft());
  }

  saved(answer, said) {
    const { composer } = this;
    this.agreed(answer.revision, said);
    this.tell('saved', answer.saved);
    composer.clear();
    composer.emit('saved', answer);
    if (answer.files) composer.emit('files', answer.files);
  }

  failed(error) {
    const { composer } = this;
    this.isDue = true;
    const again = () => { this.save({ always: true }).catch(() => {}); };
    if (error.status === 409) return this.conflict(error.answer);
    if (error.status === 410) return this.gone(error.message);
    if (error.status === 0 || error.status >= 500 && error.status !== 507 || error.status === 429) {
      this.tell('offline');
      this.soon(AGAIN[Math.min(this.tries++, AGAIN.length - 1)]);
      return;
    }
    this.tell('bad');
    composer.say(error.message, { field: error.answer?.field, actions: [[word('Try again'), again]] });
  }

  /** Another tab has saved since: whose words count is for its writer to say. */
  conflict({ revision, fields, error }) {
    const { composer } = this;
    if (isSame(fields, composer.fields())) {
      composer.revision = revision;
      this.soon(0);
      return;
    }
    this.isHeld = true;
    this.tell('bad');
    const go = act => () => { this.isHeld = false; composer.revision = revision; composer.clear(); act(); };
    composer.say(error || word('This draft was changed in another tab.'), { actions: [
      [word('Keep what is here'), go(() => this.save({ always: true }).catch(() => {}))],
      [word('Show the other one'), go(() => {
        composer.put(fields ?? {});
        this.known = this.seen = composer.fields().toString();
        this.isDue = false;
        forget(this.who, composer.draft());
        this.tell('');
      })],
    ] });
  }

  /** It was sent or thrown away elsewhere; what is here can become another letter. */
  gone(text) {
    const { composer } = this;
    this.isHeld = true;
    this.tell('bad');
    composer.say(text, { actions: [
      [word('Keep as a new draft'), async () => {
        const old = composer.draft();
        await composer.rename();
        forget(this.who, old);
        this.isHeld = false;
        this.save({ always: true }).catch(() => {});
      }],
      [word('Close'), () => { this.drop(); composer.remove(); }],
    ] });
  }

  /** The page goes, maybe for good. */
  leave() {
    if (document.visibilityState !== 'hidden' || this.isHeld || this.running || !this.lookNow()) return;
    const fields = this.composer.fields(), said = fields.toString(), body = this.composer.whole(fields);
    const isLight = new Blob([body.toString()]).size < BEACON;
    if (!isLight) return this.soon(0);
    post(this.composer.base(), body, { keepalive: true, quiet: true })
      .then(({ answer }) => this.saved(answer, said), () => this.soon(0));
  }

  /** From now on it is somebody else's affair: sent, or thrown away. */
  drop() {
    this.isOver = true;
    clearTimeout(this.timer);
    clearTimeout(this.looking);
    forget(this.who, this.composer.draft());
  }

  end() {
    this.isOver = true;
    clearTimeout(this.timer);
    clearTimeout(this.looking);
    removeEventListener('pagehide', this.leaving);
    document.removeEventListener('visibilitychange', this.leaving);
    removeEventListener('online', this.online);
  }

  tell(state, at = '') {
    const told = {
      saving: ['', word('Saving…')],
      saved: ['cloud-check', word('Draft saved %(time)s', { time: at })],
      offline: ['cloud-off', this.isKept === false ? word('Offline, not saved') : word('Offline, kept on this device')],
      bad: ['triangle-alert', word('Not saved')],
    }[state];
    const box = this.composer.root.querySelector('[data-state]');
    box.className = `composer__state tiny nowrap ${{ offline: 'is-off', bad: 'is-bad' }[state] ?? 'faint'}`;
    box.replaceChildren();
    if (told) {
      const said = document.createElement('span');
      said.textContent = told[1];
      box.append(...told[0] ? [icon(told[0], 'i--sm')] : [], said);
    }
    // Whoever does not see it hears when it goes wrong, and when it is well again.
    if (state !== 'saving') {
      if (this.told !== state && (state !== 'saved' || this.told)) announce(told?.[1] ?? '');
      this.told = state === 'saved' ? '' : state;
    }
  }
}
