/* Parts of a page that are still becoming: `data-fresh="seconds"` with `data-from="address"` is asked for again
 * while the answer says so, and only while somebody looks. The answer is the part itself. */
const most = 400; // times; then the page is to be loaded anew

function keep(part, left) {
  const seconds = Number(part.dataset.fresh);
  if (!seconds || !left) return;
  setTimeout(async () => {
    if (!part.isConnected) return;
    if (document.hidden) return keep(part, left);
    try {
      const answer = await fetch(part.dataset.from, { headers: { 'HX-Request': 'true', Accept: 'text/html' } });
      if (!answer.ok || answer.redirected) return;
      const made = new DOMParser().parseFromString(await answer.text(), 'text/html').body.firstElementChild;
      if (!made) return;
      const open = new Set([...part.querySelectorAll('details[open][id]')].map(one => one.id));
      const focused = part.contains(document.activeElement) ? document.activeElement.id : '';
      made.querySelectorAll('details[id]').forEach(one => { if (open.has(one.id)) one.open = true; });
      if (navigator.clipboard) made.querySelectorAll('[data-do=copy]').forEach(one => { one.hidden = false; });
      part.replaceWith(made);
      if (focused) document.getElementById(focused)?.focus();
      keep(made, left - 1);
    } catch { keep(part, left - 1); /* the line is away for a moment */ }
  }, seconds * 1000);
}

document.querySelectorAll('[data-fresh]').forEach(part => keep(part, most));
