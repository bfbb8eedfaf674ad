/* Signing in over what is written: the forms of the pages of sign-in in a dialog, step by step. */
import { $, $$, icon, word } from '../page.js';

const loginPath = () => document.body.dataset.login || '/login/';
let asking = null; // one dialog for all composers

const parsed = html => new DOMParser().parseFromString(html, 'text/html');

/** Resolves with whether the same person is signed in again. */
export function signedIn() {
  asking ??= new Promise(resolve => new Dialog(resolve).begin()).finally(() => { asking = null; });
  return asking;
}

class Dialog {
  constructor(resolve) {
    this.resolve = resolve;
    this.box = document.createElement('dialog');
    this.box.className = 'dialog dialog--form composer__signin';
    this.box.setAttribute('aria-labelledby', 'signin-t');
    this.opener = document.activeElement;
  }

  async begin() {
    this.frame();
    document.body.append(this.box);
    this.box.showModal();
    this.box.addEventListener('close', () => this.end(false));
    this.box.addEventListener('submit', event => {
      event.preventDefault();
      this.submit(event.target, event.submitter);
    });
    // They may have signed in in another tab.
    this.looked = () => { if (document.visibilityState === 'visible') this.look(); };
    document.addEventListener('visibilitychange', this.looked);
    await this.show(() => fetch(loginPath(), { headers: { Accept: 'text/html' } }));
  }

  frame() {
    const head = document.createElement('div'), title = document.createElement('h2'), away = document.createElement('button');
    head.className = 'dialog__head';
    title.id = 'signin-t';
    title.className = 'grow';
    title.textContent = word('Sign in to go on');
    away.type = 'button';
    away.className = 'btn btn--ghost btn--icon btn--sm';
    away.setAttribute('aria-label', word('Close'));
    away.append(icon('x'));
    away.addEventListener('click', () => this.box.close());
    head.append(title, away);
    this.body = document.createElement('div');
    this.body.className = 'dialog__body stack';
    this.box.append(head, this.body);
  }

  /** Asks by `request`, and shows the form of the page that comes, or is done. */
  async show(request) {
    try {
      const response = await request();
      this.put(parsed(await response.text()), response.url);
    } catch {
      this.say(word('The server cannot be reached.'));
    }
  }

  put(page, url) {
    const who = page.body.dataset.who;
    if (who) return this.arrived(page, who);
    const form = $$('form[method=post]', page).find(one => $('input:not([type=hidden])', one));
    if (!form) return this.elsewhere(url);
    const mine = document.importNode(form, true);
    mine.action = new URL(form.getAttribute('action') || url, url).href;
    $$('[hidden],script', mine).forEach(one => one.matches('input') || one.remove());
    const told = document.createElement('p');
    told.className = 'small muted';
    told.textContent = word('You were signed out. What you have written is still here.');
    this.body.replaceChildren(told, mine);
    const address = $('[name=address]', mine);
    if (address && !address.value) address.value = document.body.dataset.address ?? '';
    ($$('input:not([type=hidden])', mine).find(one => !one.value) ?? $('button', mine))?.focus();
  }

  /** A step that no form of ours can take: a key, a provider elsewhere. */
  elsewhere(url) {
    const told = document.createElement('p'), link = document.createElement('a');
    told.textContent = word('Sign in in another tab, then come back: what you have written is still here.');
    link.className = 'btn btn--primary';
    link.href = url;
    link.target = '_blank';
    link.textContent = word('Sign in');
    this.body.replaceChildren(told, link);
    link.focus();
  }

  async submit(form, submitter) {
    submitter?.classList.add('btn--loading');
    const body = new URLSearchParams(new FormData(form, submitter));
    await this.show(() => fetch(form.action, { method: 'POST', body, headers: { Accept: 'text/html' } }));
    submitter?.classList.remove('btn--loading');
  }

  async look() {
    const response = await fetch('/settings/general/', { headers: { Accept: 'text/html' } }).catch(() => null);
    const page = parsed(await response?.text() ?? '');
    if (page.body.dataset.who) this.arrived(page, page.body.dataset.who);
  }

  arrived(page, who) {
    if (who !== document.body.dataset.who) {
      this.say(word('This is another person. Sign in as the one who wrote this.'));
      return;
    }
    $('meta[name=csrf-token]').content = $('meta[name=csrf-token]', page)?.content ?? '';
    this.end(true);
  }

  say(text) {
    const told = document.createElement('p');
    told.className = 'callout callout--bad';
    told.setAttribute('role', 'alert');
    told.textContent = text;
    $('.callout', this.body)?.remove();
    this.body.prepend(told);
  }

  end(isIn) {
    document.removeEventListener('visibilitychange', this.looked);
    this.resolve(isIn);
    this.resolve = () => {};
    if (this.box.open) this.box.close();
    this.box.remove();
    // The dialog gave it the focus already, but not the cursor.
    this.opener?.blur?.();
    this.opener?.focus?.({ preventScroll: true });
  }
}
