/* One file on its way into a letter, piece by piece. Each piece is kept by the server before the next goes; who
 * was cut off asks how much is there, and goes on. */
import { Refused, csrf, word } from '../page.js';
import { post } from './post.js';
import { signedIn } from './signin.js';
import { JSON_ONLY, erase, running } from './underway.js';

const LEAST = 64 * 1024, MOST = 1024 * 1024; // bytes of a piece; the server takes no more
const PIECE_SECONDS = 2; // a piece should take as long, so that little is lost with a connection
const STALLED = 30_000; // milliseconds without a byte: the connection is gone and nobody says so
const AGAIN = [1000, 2000, 4000, 8000, 15_000, 30_000]; // milliseconds until we try again

export class Upload {
  /** `base` is the address of the letter; `told()` is called when anything has changed. */
  constructor(base, file, { isInline = false, known = null } = {}) {
    Object.assign(this, { base, file, isInline, name: file.name, size: file.size, type: file.type });
    this.at = 0; // bytes that the server has
    this.passed = 0; // bytes that have left, maybe not arrived
    this.state = 'waits'; // waits, runs, lost (tries again), done, failed, gone
    this.error = '';
    this.piece = 4 * LEAST;
    this.speed = 0; // bytes in a second
    this.told = () => {};
    if (known) Object.assign(this, { id: known.id, url: known.url, cid: known.cid, content: known.content });
  }

  get isOver() { return this.state === 'done' || this.state === 'failed' || this.state === 'gone'; }

  get left() { return this.speed ? Math.ceil((this.size - this.passed) / this.speed) : 0; } // seconds

  get json() {
    const { id, name, size, type, cid, url } = this;
    return { id, name, size, received: this.at, type, cid, url, content: this.content ?? `${url}content/` };
  }

  be(state, error = '') {
    this.state = state;
    this.error = error;
    this.told(this);
  }

  /** Runs to its end; resolves with whether the file is there. */
  async run() {
    this.be('runs');
    try {
      await this.begin();
      while (this.at < this.size && this.state !== 'gone') await this.step();
      if (this.state !== 'gone') this.be('done');
    } catch (error) {
      if (this.state !== 'gone') this.be('failed', error.message);
    } finally {
      running.delete(this.url);
    }
    return this.state === 'done';
  }

  async begin() {
    if (this.url) {
      running.set(this.url, this);
      return this.look();
    }
    const fields = new URLSearchParams({ name: this.name, size: this.size, type: this.type, inline: this.isInline ? '1' : '' });
    await this.tried(async () => {
      const { answer } = await post(`${this.base}files/`, fields);
      Object.assign(this, { id: answer.id, url: answer.url, cid: answer.cid ?? '', content: answer.content, at: answer.received ?? 0 });
      this.size = answer.size ?? this.size;
    });
    if (this.state === 'gone') return this.erase();
    running.set(this.url, this);
    this.told(this);
  }

  /** Does `act` until it is done or refused; what no connection was there for is done later. */
  async tried(act) {
    for (let tries = 0; this.state !== 'gone'; tries += 1) {
      try {
        if (tries && this.url) await this.look();
        await act();
        if (this.state === 'lost') this.be('runs');
        return;
      } catch (error) {
        if (this.state === 'gone') return;
        const isPassing = error.status === 0 || error.status === 429 || error.status >= 500 && error.status !== 507;
        if (!isPassing) throw error;
        this.passed = this.at;
        this.be('lost', error.message);
        await this.pause(AGAIN[Math.min(tries, AGAIN.length - 1)]);
      }
    }
  }

  /** Waits, or until the network is back or somebody is impatient. */
  pause(milliseconds) {
    return new Promise(resolve => {
      const end = () => {
        clearTimeout(timer);
        removeEventListener('online', end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      addEventListener('online', end);
      this.now = end;
    });
  }

  /** Asks how much is there. */
  async look() {
    let response;
    try {
      response = await fetch(this.url, { headers: JSON_ONLY });
    } catch {
      throw new Refused(word('The server cannot be reached.'), 0);
    }
    if (response.status === 401 && await signedIn()) return this.look();
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(answer.error || word('This file is not there any more.'), response.status);
    this.at = this.passed = answer.received;
  }

  async step() {
    const from = this.at, slice = this.file.slice(from, from + this.piece);
    let octets;
    try {
      octets = await slice.arrayBuffer();
    } catch {
      throw new Error(word('The file cannot be read any more.'));
    }
    await this.tried(async () => {
      if (this.at !== from) return; // the server had it, and only the answer was lost
      const since = performance.now(), { received } = await this.sent(octets, from);
      this.measure((received - from) / Math.max(0.001, (performance.now() - since) / 1000));
      this.at = this.passed = received;
      this.told(this);
    });
  }

  measure(speed) {
    if (speed <= 0) return;
    this.speed = this.speed ? 0.6 * this.speed + 0.4 * speed : speed;
    this.piece = Math.round(Math.min(MOST, Math.max(LEAST, this.speed * PIECE_SECONDS)));
  }

  /** A piece with its progress; gives the answer. */
  async sent(octets, at) {
    const url = `${this.url}?at=${at}`, { status, answer } = await this.put(url, octets, at);
    if (status === 409 && Number.isFinite(answer.received)) return answer;
    if (status >= 200 && status < 300) return answer;
    // Signed out, or a token that is old: the composer's own requests know what to do.
    if (status === 401 || status === 403) {
      const { answer: again } = await post(url, new Blob([octets], { type: 'application/octet-stream' }));
      return again;
    }
    throw new Refused(answer.error || word('The server cannot be reached.'), status);
  }

  put(url, octets, at) {
    return new Promise((resolve, reject) => {
      const request = this.request = new XMLHttpRequest(), lost = () => reject(new Refused(word('The server cannot be reached.'), 0));
      let watch;
      const alive = () => {
        clearTimeout(watch);
        watch = setTimeout(() => request.abort(), STALLED);
      };
      request.open('POST', url);
      for (const [name, value] of Object.entries({ ...JSON_ONLY, 'X-CSRFToken': csrf(), 'Content-Type': 'application/octet-stream' })) {
        request.setRequestHeader(name, value);
      }
      request.upload.onprogress = event => {
        alive();
        this.passed = at + event.loaded;
        this.told(this);
      };
      request.onload = () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* no words of ours */ }
        // To who is signed out the page of sign-in is shown.
        const isLogin = request.responseURL && new URL(request.responseURL).pathname !== new URL(url, location).pathname;
        resolve({ status: isLogin ? 401 : request.status, answer });
      };
      request.onerror = request.onabort = lost;
      request.onloadend = () => clearTimeout(watch);
      alive();
      request.send(octets);
    });
  }

  /** Stops, and takes away what the server has of it. */
  cancel() {
    const isBegun = Boolean(this.url);
    this.be('gone');
    this.request?.abort();
    this.now?.();
    if (isBegun) this.erase();
  }

  erase() { erase(this.url); }
}
