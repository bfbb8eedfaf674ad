/* The files of a letter: each is a tile that tells how far it is, how long it takes, and what went wrong. */
import { $, $$, announce, icon, plural, toast, word } from '../page.js';
import { hue } from './avatar.js';
import { arriving } from './dropping.js';
import { erase, running } from './underway.js';

const AT_ONCE = 2; // files that are on their way at the same time
const SETTLED = 600; // milliseconds after the last file until the letter is saved with them
const REGRET = 7000; // milliseconds in which a file that was removed comes back

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** A size as people read it: 3.1 MB. */
export function sized(octets) {
  let value = octets, at = 0;
  while (value >= 1000 && at < UNITS.length - 1) { value /= 1024; at += 1; }
  return new Intl.NumberFormat(document.documentElement.lang || undefined, {
    style: 'unit', unit: UNITS[at], unitDisplay: at ? 'short' : 'long', maximumFractionDigits: at > 1 && value < 10 ? 1 : 0,
  }).format(value);
}

function lasting(seconds) {
  if (seconds < 60) return word('%(count)s s left', { count: seconds });
  return word('%(count)s min left', { count: Math.ceil(seconds / 60) });
}

/** PDF, JPG: what a name ends in, else nothing. */
const ending = name => /\.(\w{1,4})$/.exec(name)?.[1].toUpperCase() ?? '';

class Tile {
  constructor(files, { name, size, received = 0, type = '', cid = '', id = '', url = '', content = '', upload = null }) {
    Object.assign(this, { files, name, size, received, type, cid, id, url, content, upload, misses: 0 });
    this.node = document.createElement('div');
    this.node.className = 'file';
    this.node.dataset.name = name;
    this.build();
    if (upload) {
      upload.told = () => this.follow();
      this.follow();
    } else this.draw();
  }

  build() {
    const made = (tag, cls) => Object.assign(document.createElement(tag), { className: cls });
    const kind = ending(this.name), sign = made('span', `file__ic h${hue(kind || 'file')}`), body = made('span', 'grow stack stack--1');
    if (kind) sign.textContent = kind;
    else sign.append(icon('paperclip'));
    sign.setAttribute('aria-hidden', 'true');
    const head = made('span', 'row row--1');
    this.title = made('span', 'trunc strong small grow');
    this.title.append(Object.assign(document.createElement('bdi'), { textContent: this.name }));
    this.title.title = this.name;
    this.share = made('span', 'tiny faint num nowrap');
    head.append(this.title, this.share);
    this.note = made('span', 'tiny faint');
    this.bar = bar(this.name);
    this.acts = made('span', 'row row--1 row--wrap');
    body.append(head, this.bar, this.note, this.acts);
    this.away = made('button', 'btn btn--ghost btn--icon btn--sm');
    this.away.type = 'button';
    this.away.append(icon('x'));
    this.away.addEventListener('click', () => this.files.remove(this));
    this.node.append(sign, body, this.away);
  }

  /** Takes over what its upload tells. */
  follow() {
    const { upload } = this;
    Object.assign(this, { id: upload.id ?? '', url: upload.url ?? '', received: upload.at, size: upload.size, cid: upload.cid ?? '' });
    this.content = upload.url ? upload.json.content : '';
    this.draw();
    this.files.changed();
  }

  get state() { return this.upload ? this.upload.state : this.received < this.size ? 'cut' : 'done'; }

  get isDone() { return this.state === 'done'; }

  draw() {
    const { state, upload } = this, isOn = state === 'runs' || state === 'waits' || state === 'lost';
    if (state === this.drawn && state !== 'runs') return;
    const passed = upload ? Math.min(upload.passed, this.size) : this.received, share = this.size ? Math.floor(passed / this.size * 100) : 100;
    this.bar.toggleAttribute('hidden', !isOn); // SVG has no such property
    this.share.textContent = isOn ? `${share}%` : '';
    $('rect', this.bar).setAttribute('width', `${share}%`);
    this.bar.setAttribute('aria-valuenow', share);
    const progress = word('%(part)s of %(all)s', { part: sized(passed), all: sized(this.size) });
    const left = upload?.left && state === 'runs' ? ` · ${lasting(upload.left)}` : '';
    this.note.textContent = {
      waits: word('Waits for the others'), runs: progress + left, lost: word('Connection lost. It goes on by itself.'),
      done: sized(this.size), failed: upload?.error || word('This could not be attached.'),
      cut: word('%(part)s of %(all)s are here. Choose the file again to go on.', { part: sized(this.received), all: sized(this.size) }),
    }[state] ?? '';
    if (state === this.drawn) return;
    this.drawn = state;
    this.node.classList.toggle('file--bad', state === 'failed' || state === 'cut');
    this.node.classList.toggle('file--lost', state === 'lost');
    this.note.className = state === 'failed' || state === 'cut' ? 'tiny t-bad' : state === 'lost' ? 'tiny t-warn' : 'tiny faint';
    this.away.setAttribute('aria-label', isOn ? word('Cancel upload of %(name)s', { name: this.name })
      : word('Remove %(name)s', { name: this.name }));
    this.offer(state);
    if (isOn) this.wasOn = true;
    else if (this.wasOn) announce(state === 'done' ? word('%(name)s is attached', { name: this.name }) : `${this.name}: ${this.note.textContent}`);
    if (state === 'done') this.link();
  }

  offer(state) {
    const ways = {
      failed: [[word('Try again'), () => this.files.again(this)]],
      lost: [[word('Try now'), () => this.upload.now?.()]],
      cut: [[word('Choose the file…'), () => this.files.choose({ tile: this })]],
    }[state] ?? [];
    this.acts.replaceChildren(...ways.map(([text, act]) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', className: 'btn btn--sm', textContent: text });
      button.addEventListener('click', act);
      return button;
    }));
    this.acts.hidden = !ways.length;
  }

  link() {
    if (!this.content || this.title.nodeName === 'A') return;
    const link = Object.assign(document.createElement('a'), { className: this.title.className, href: this.content, title: this.name });
    link.download = '';
    link.append(...this.title.childNodes);
    this.title.replaceWith(link);
    this.title = link;
  }
}

function bar(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), rect = document.createElementNS(svg.namespaceURI, 'rect');
  svg.setAttribute('class', 'meter meter--sm');
  Object.entries({ role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-label': word('Upload of %(name)s', { name }) })
    .forEach(([key, value]) => svg.setAttribute(key, value));
  Object.entries({ width: '0%', height: '100%', rx: 3 }).forEach(([key, value]) => rect.setAttribute(key, value));
  svg.append(rect);
  return svg;
}

class Files {
  constructor(composer, box) {
    Object.assign(this, { composer, box, tiles: [], queue: [], coming: 0, going: 0, waiting: [] });
    this.adopt();
    this.changed();
  }

  /** What the page already says. */
  adopt() {
    $$('[data-file]', this.box).forEach(node => {
      const { file, name, size, received, type, cid, url, content } = node.dataset;
      node.remove();
      this.put({ id: file, name, type, cid, url, content, size: Number(size), received: Number(received) });
    });
  }

  /** A tile for a file that the server has. */
  put(known) {
    const upload = running.get(known.url);
    const tile = new Tile(this, { ...known, upload });
    this.tiles.push(tile);
    this.box.append(tile.node);
    return tile;
  }

  /** What is shown: pictures of the text are seen there, once they are there. */
  show() {
    const isPlain = this.composer.editor?.isPlain;
    this.tiles.forEach(tile => { tile.node.hidden = tile.isGoing || Boolean(tile.cid && tile.isDone && !isPlain); });
    const any = $$('.file, .hint-files', this.box).some(one => !one.hidden);
    this.box.hidden = !any;
  }

  changed() {
    this.show();
    this.composer.emit('attached', this.count());
    if (this.isIdle) this.waiting.splice(0).forEach(resolve => resolve());
    const there = this.tiles.filter(tile => tile.isDone && !tile.isGoing).map(tile => tile.id).join();
    if (there === this.there) return;
    const isFirst = this.there === undefined;
    this.there = there;
    if (!isFirst && this.isIdle) this.save();
  }

  /** The message in Drafts takes the files that there are. */
  save() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => { this.composer.saver?.save({ always: true }).catch(() => {}); }, SETTLED);
  }

  /** Files that will go with the letter. */
  count() {
    return this.tiles.filter(tile => !tile.isGoing && tile.state !== 'failed' && !tile.cid).length
      + $$('[data-carry] input:checked', this.box).length;
  }

  get isIdle() { return !this.coming && !this.tiles.some(tile => tile.upload && !tile.upload.isOver); }

  /** Attaches files; one that was cut off goes on where it was. */
  add(some) {
    for (const file of some) {
      const cut = this.tiles.find(tile => tile.state === 'cut' && tile.name === file.name && tile.size === file.size);
      (cut ? this.resume(cut, file) : this.upload(file)).catch(() => {});
    }
  }

  /** An upload; what does it is loaded with the first. */
  async made(file, options) {
    this.coming += 1;
    try {
      const { Upload } = await import('./uploading.js');
      return new Upload(this.composer.base(), file, options);
    } catch {
      toast(word('The server cannot be reached.'), { kind: 'bad', retry: () => this.upload(file, options).catch(() => {}) });
      throw new Error(word('The server cannot be reached.'));
    } finally {
      this.coming -= 1;
    }
  }

  /** Uploads one file; resolves with what the server calls it, or rejects. */
  async upload(file, { isInline = false } = {}) {
    const upload = await this.made(file, { isInline });
    const tile = new Tile(this, { name: file.name, size: file.size, type: file.type, upload });
    this.tiles.push(tile);
    this.box.append(tile.node);
    this.show();
    tile.node.scrollIntoView?.({ block: 'nearest' });
    if (await this.enqueue(upload)) return upload.json;
    throw new Error(upload.error);
  }

  enqueue(upload) {
    return new Promise(resolve => {
      this.queue.push(() => upload.state === 'gone' ? Promise.resolve(resolve(false)) : upload.run().then(resolve));
      this.next();
    });
  }

  next() {
    if (this.going >= AT_ONCE || !this.queue.length) return;
    this.going += 1;
    this.queue.shift()().finally(() => {
      this.going -= 1;
      this.changed();
      this.next();
    });
  }

  async resume(tile, file) {
    tile.upload = await this.made(file, { known: tile });
    tile.upload.told = () => tile.follow();
    tile.upload.at = tile.upload.passed = tile.received;
    this.enqueue(tile.upload);
    tile.follow();
  }

  again(tile) {
    const { file, isInline } = tile.upload;
    this.drop(tile);
    this.upload(file, { isInline }).catch(() => {});
  }

  /** The browser's own dialog; `tile`: for a file that was cut off. */
  choose({ tile = null, accept = '' } = {}) {
    const field = Object.assign(document.createElement('input'), { type: 'file', multiple: !tile, accept });
    field.dataset.chooser = '';
    field.hidden = true;
    // In the page, so that it stays alive while its dialog is open.
    this.composer.root.append(field);
    return new Promise(resolve => {
      field.addEventListener('cancel', () => { field.remove(); resolve([]); });
      field.addEventListener('change', event => {
        event.stopPropagation();
        const some = [...field.files];
        field.remove();
        if (tile) this.chosen(tile, some[0]);
        resolve(some);
      });
      field.click();
    });
  }

  chosen(tile, file) {
    if (file.name === tile.name && file.size === tile.size) return this.resume(tile, file).catch(() => {});
    toast(word('This is another file. Choose %(name)s of %(size)s.', { name: tile.name, size: sized(tile.size) }), { kind: 'bad' });
  }

  drop(tile) {
    tile.node.remove();
    this.tiles = this.tiles.filter(one => one !== tile);
    this.changed();
  }

  /** Takes a file away; one that was there comes back for some seconds. */
  remove(tile) {
    this.refocus(tile);
    if (!tile.isDone) {
      if (tile.upload) tile.upload.cancel();
      else erase(tile.url);
      return this.drop(tile);
    }
    tile.isGoing = true;
    const gone = isLeaving => {
      clearTimeout(timer);
      tile.goes = null;
      this.drop(tile);
      return erase(tile.url, isLeaving);
    };
    const timer = setTimeout(() => gone(false), REGRET + 500);
    tile.goes = gone;
    toast(word('%(name)s removed', { name: tile.name }), { undo: () => {
      if (!tile.goes) return;
      clearTimeout(timer);
      tile.goes = null;
      tile.isGoing = false;
      this.changed();
    } });
    this.changed();
  }

  refocus(tile) {
    const shown = this.tiles.filter(one => one === tile || !one.node.hidden), at = shown.indexOf(tile);
    (shown[at + 1]?.away ?? shown[at - 1]?.away ?? $('[data-compose=attach]', this.composer.root))?.focus();
  }

  /** What was removed is removed now. */
  settle(isLeaving = false) { return Promise.all(this.tiles.filter(tile => tile.goes).map(tile => tile.goes(isLeaving))); }

  /** The server's list: what came with the first save, what another tab did. */
  listed(known) {
    $$('[data-carry]', this.box).forEach(one => one.remove()); // they are among the others now
    for (const one of known) if (!this.tiles.some(tile => tile.id === one.id)) this.put(one);
    for (const tile of this.tiles.filter(one => one.isDone && !one.isGoing)) {
      // A list may have been made before the file was there: twice is sure.
      tile.misses = known.some(one => one.id === tile.id) ? 0 : tile.misses + 1;
      if (tile.misses > 1) this.drop(tile);
    }
    this.changed();
  }

  /** Before it is sent: waits for what is on its way; false if something is stuck. */
  async ready() {
    const stuck = this.tiles.filter(tile => tile.state === 'failed' || tile.state === 'cut');
    if (stuck.length) {
      this.composer.say(word('%(name)s is not attached. Try again or remove it.', { name: stuck[0].name }));
      stuck[0].node.scrollIntoView({ block: 'nearest' });
      return false;
    }
    await this.settle();
    if (this.isIdle) return true;
    const isMeant = await this.wait();
    if (isMeant) this.composer.clear();
    return isMeant && this.ready();
  }

  wait() {
    const count = this.tiles.filter(tile => tile.upload && !tile.upload.isOver).length;
    return new Promise(resolve => {
      this.waiting.push(() => resolve(true));
      this.composer.say(plural(count, 'The message goes when %(count)s file is uploaded.',
        'The message goes when %(count)s files are uploaded.'), {
        kind: 'info', actions: [[word('Do not send yet'), () => { this.composer.clear(); resolve(false); }]],
      });
    });
  }

  /** The letter has another name: what we still hold goes there, too. */
  renamed() {
    for (const tile of [...this.tiles]) {
      if (tile.upload?.file) this.again(tile);
      else {
        toast(word('%(name)s has to be attached again.', { name: tile.name }), { kind: 'bad' });
        this.drop(tile);
      }
    }
  }
}

/** Sets up the files of `composer`. */
export function start(composer) {
  const box = $('[data-files]', composer.root);
  if (!box) return;
  const files = composer.files = new Files(composer, box);
  composer.on('attach', async () => files.add(await files.choose()));
  composer.on('files', list => files.listed(list));
  composer.on('plain', () => files.show());
  composer.on('beforesend', () => files.ready());
  composer.on('renamed', () => files.renamed());
  box.addEventListener('change', () => files.changed()); // carried ones are ticked or not
  // Who leaves the page while a file is on its way is asked by the browser.
  const leaving = event => { if (!files.isIdle) event.preventDefault(); };
  const gone = () => { files.settle(true); };
  addEventListener('beforeunload', leaving);
  addEventListener('pagehide', gone);
  composer.on('close', () => {
    removeEventListener('beforeunload', leaving);
    removeEventListener('pagehide', gone);
    gone();
  });
  arriving(composer, files);
}
