/* Behaviour of all pages: plain JS, no build, no inline handlers. Every page works without it. */
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;

  /* Theme: light or dark by hand, or the system's. */
  const isDark = () => root.dataset.theme
    ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  function switchTheme() {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try { localStorage.setItem('mh-theme', root.dataset.theme); } catch { /* not kept */ }
  }

  /* Actions by attribute, so that no handler stands in the page. */
  const actions = {
    theme: switchTheme,
    dialog: (button, name) => $('#' + name)?.showModal(),
    close: button => button.closest('dialog')?.close(),
    side: () => root.classList.toggle('side-open'),
    print: () => print(),
    reveal: (button, name) => {
      const field = $('#' + name), shown = field.type === 'password';
      field.type = shown ? 'text' : 'password';
      button.setAttribute('aria-pressed', shown);
      button.setAttribute('aria-label', shown ? 'Hide password' : 'Show password');
    },
    copy: async button => {
      const label = button.getAttribute('aria-label');
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.setAttribute('aria-label', 'Copied');
        button.classList.add('is-copied');
        setTimeout(() => {
          button.setAttribute('aria-label', label);
          button.classList.remove('is-copied');
        }, 2000);
      } catch { /* it can still be marked and copied */ }
    },
    quote: button => {
      const quote = button.nextElementSibling;
      quote.hidden = !quote.hidden;
      button.setAttribute('aria-expanded', !quote.hidden);
    },
  };
  document.addEventListener('click', event => {
    const open = $$('details.menu[open]');
    open.forEach(menu => { if (!menu.contains(event.target)) menu.open = false; });
    const button = event.target.closest('[data-do]');
    if (!button) return;
    const [name, argument] = button.dataset.do.split(':');
    if (actions[name]) { event.preventDefault(); actions[name](button, argument); }
  });
  /* Without script, or where pages may not write to it, there is no clipboard to offer. */
  if (navigator.clipboard) $$('[data-do=copy]').forEach(button => { button.hidden = false; });
  $$('dialog').forEach(dialog => dialog.addEventListener('click', event => {
    if (event.target === dialog) dialog.close();
  }));

  /* A form that was sent says so and cannot be sent twice. */
  document.addEventListener('submit', event => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    setTimeout(() => { button.classList.add('btn--loading'); button.disabled = true; });
  });
  addEventListener('pageshow', () => $$('.btn--loading').forEach(button => {
    button.classList.remove('btn--loading'); button.disabled = false;
  }));

  /* HTML mail stands in a frame that runs no script; its height is measured from here. */
  $$('iframe.msg__frame').forEach(frame => {
    const fit = () => {
      const inside = frame.contentDocument?.documentElement;
      if (!inside) return;
      // Not the document's scrollHeight, which is never less than its frame's: short mail would stand in a tall box.
      const body = frame.contentDocument.body;
      const high = Math.max(inside.offsetHeight, body ? body.scrollHeight + 32 : 0);
      frame.height = Math.min(Math.ceil(high), 20000);
    };
    frame.addEventListener('load', fit);
    addEventListener('resize', fit);
    fit();
  });

  /* Toasts go by themselves, but not while somebody reads or reaches for them. */
  $$('.toast').forEach(toast => {
    let timer;
    const start = () => { timer = setTimeout(() => toast.remove(), 7000); };
    const stop = () => clearTimeout(timer);
    toast.addEventListener('mouseenter', stop);
    toast.addEventListener('mouseleave', start);
    toast.addEventListener('focusin', stop);
    toast.addEventListener('focusout', start);
    start();
  });

  /* Keyboard, as in Gmail. Silent while typing and inside dialogs. */
  const rows = () => $$('article.conv');
  const current = () => rows().findIndex(row =>
    row.contains(document.activeElement) || row.hasAttribute('aria-current'));
  function focusRow(step) {
    const all = rows(), at = current(), next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    if (!next) return;
    $('.conv__subj', next)?.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
  }
  const press = name => $(`[data-key="${name}"]`)?.click();
  const keys = {
    j: () => focusRow(1), ArrowDown: () => focusRow(1),
    k: () => focusRow(-1), ArrowUp: () => focusRow(-1),
    u: () => press('back'), e: () => press('archive'), '#': () => press('trash'),
    '!': () => press('junk'), s: () => press('star'), U: () => press('unread'),
    '?': () => $('#keys')?.showModal(),
  };
  const boxes = { i: 'inbox', s: 'starred', d: 'drafts', t: 'sent' };
  let wentAt = 0;
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      $$('details.menu[open]').forEach(menu => { menu.open = false; $('summary', menu).focus(); });
      root.classList.remove('side-open');
      return;
    }
    const typing = event.target.closest?.(
      'input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable=true],dialog[open]');
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (wentAt && Date.now() - wentAt < 1200) {
      wentAt = 0;
      $(`#side [data-box="${boxes[event.key]}"]`)?.click();
      return;
    }
    if (event.key === 'g') { wentAt = Date.now(); return; }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
