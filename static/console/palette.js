/* Ctrl+K: a user, a domain, an alias or a page by a few letters. A combobox with a listbox, as ARIA describes it: the
 * focus stays in the field. */
const dialog = document.getElementById('find'), field = document.getElementById('find-q');
const box = document.getElementById('find-list'), none = document.getElementById('find-none');
let at = 0, asked = 0, timer;

const lines = () => [...box.querySelectorAll('[role=option]')];

function point(to) {
  const every = lines();
  at = Math.max(0, Math.min(every.length - 1, to));
  every.forEach((line, index) => line.setAttribute('aria-selected', String(index === at)));
  if (every[at]) { field.setAttribute('aria-activedescendant', every[at].id); every[at].scrollIntoView({ block: 'nearest' }); }
  else field.removeAttribute('aria-activedescendant');
}

function line({ words, hint, icon, url }, index) {
  const item = document.createElement('li'), link = document.createElement('a'), sign = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  item.setAttribute('role', 'presentation');
  Object.assign(link, { className: 'menu__item', href: url, id: `find-${index}`, tabIndex: -1 });
  link.setAttribute('role', 'option');
  sign.setAttribute('class', 'i');
  sign.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${document.body.dataset.icons}#i-${icon}`);
  sign.append(use);
  const name = document.createElement('bdi'), aside = document.createElement('span');
  name.className = 'trunc';
  name.textContent = words;
  aside.className = 'hint';
  aside.textContent = hint;
  link.append(sign, name, aside);
  item.append(link);
  return item;
}

async function look() {
  const mine = ++asked, question = new URL(field.dataset.url, location.href);
  question.searchParams.set('q', field.value);
  try {
    const answer = await fetch(question, { headers: { Accept: 'application/json' } });
    if (!answer.ok || mine !== asked) return;
    const { found } = await answer.json();
    if (mine !== asked) return;
    box.replaceChildren(...found.map(line));
    none.hidden = found.length > 0;
    point(0);
  } catch { /* the page behind it works */ }
}

function open() {
  if (dialog.open) return;
  dialog.showModal();
  field.select();
  look();
}

if (dialog) {
  document.querySelector('[data-palette]')?.addEventListener('click', event => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener('keydown', event => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') { event.preventDefault(); open(); }
  });
  field.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(look, 120); });
  field.addEventListener('keydown', event => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) { event.preventDefault(); point(at + move); }
    if (event.key === 'Enter') { event.preventDefault(); lines()[at]?.click(); }
  });
}
