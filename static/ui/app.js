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
  document.addEventListener('click', event => {
    if (event.target.matches?.('dialog')) event.target.close(); // beside its box
  });

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
  function fit(frame) {
    const inside = frame.contentDocument?.documentElement;
    if (!inside) return;
    // Not the document's scrollHeight, which is never less than its frame's: short mail would stand in a tall box.
    const body = frame.contentDocument.body;
    const high = Math.max(inside.offsetHeight, body ? body.scrollHeight + 32 : 0);
    frame.height = Math.min(Math.ceil(high), 20000);
  }
  const frames = () => $$('iframe.msg__frame');
  // Loads do not bubble, but are caught on their way down: frames that come later are measured too.
  document.addEventListener('load', event => {
    if (event.target.matches?.('iframe.msg__frame')) { fit(event.target); widths.observe(event.target); }
  }, true);
  // A pane may grow narrower (a drawer, another layout) while the window does not.
  const widths = new ResizeObserver(seen => seen.forEach(({ target, contentRect: { width } }) => {
    if (target.fitted !== width) fit(target);
    target.fitted = width;
  }));
  frames().forEach(frame => { fit(frame); widths.observe(frame); });

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

  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    $$('details.menu[open]').forEach(menu => { menu.open = false; $('summary', menu).focus(); });
    root.classList.remove('side-open');
  });
})();
