/* “Try it”: sends what the form says, with the token of this page, and shows what came. Without
   script the pages are whole but for this. The token is kept nowhere. */
const token = document.getElementById('token');
const SHOWN = ['content-type', 'etag', 'link', 'location', 'idempotency-replayed', 'ratelimit-remaining', 'retry-after'];
const MOST = 200_000; // characters of an answer that are shown

/* A phone begins with what the page is about. */
const menu = document.querySelector('.ref__menu');
if (menu && matchMedia('(max-width: 860px)').matches) menu.open = false;

document.querySelectorAll('[data-try], [data-token]').forEach(part => { part.hidden = false; });
document.querySelector('[data-token]')?.addEventListener('submit', event => event.preventDefault());

function asked(form) {
  const headers = { Accept: 'application/json, */*' };
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  const query = new URLSearchParams();
  let path = form.dataset.path;
  let body;
  for (const field of form.querySelectorAll('[data-in]')) {
    if (field.dataset.in === 'body') { body = field.value; continue; }
    if (field.value === '') continue;
    if (field.dataset.in === 'path') path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    if (field.dataset.in === 'query') query.set(field.name, field.value);
    if (field.dataset.in === 'header') headers[field.name] = field.value;
  }
  if (form.dataset.kind) headers['Content-Type'] = form.dataset.kind;
  const address = query.size ? `${path}?${query}` : path;
  return [address, { method: form.dataset.verb, headers, body, credentials: 'omit', cache: 'no-store' }];
}

function pretty(text, kind) {
  if (!/json/.test(kind) || /ndjson/.test(kind)) return text;
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function show(place, head, text) {
  const line = document.createElement('p');
  line.className = 'ref__line';
  line.textContent = head;
  const code = document.createElement('pre');
  code.className = 'code';
  code.tabIndex = 0;
  code.textContent = text.length > MOST ? `${text.slice(0, MOST)}\n…` : text;
  place.replaceChildren(line, ...(text ? [code] : []));
}

async function send(form) {
  const place = form.querySelector('[data-answer]');
  const button = form.querySelector('button');
  button.disabled = true;
  show(place, 'Waiting for the answer …', '');
  try {
    const answer = await fetch(...asked(form));
    const headers = SHOWN.filter(name => answer.headers.has(name)).map(name => `${name}: ${answer.headers.get(name)}`);
    const text = pretty(await answer.text(), answer.headers.get('content-type') ?? '');
    show(place, `${answer.status} ${answer.statusText}`, [headers.join('\n'), text].filter(Boolean).join('\n\n'));
  } catch {
    show(place, 'No answer came: check what you typed, and whether the server can be reached.', '');
  } finally {
    button.disabled = false;
  }
}

/* Before what all forms do when they are sent: no page comes. */
document.addEventListener('submit', event => {
  const form = event.target.closest('[data-try] form');
  if (!form) return;
  event.preventDefault();
  send(form);
}, true);
