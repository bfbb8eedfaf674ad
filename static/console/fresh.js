/* Parts of a page that are still becoming: `data-fresh="seconds"` with `data-from="address"` is asked for again
 * while the answer says so, and only while somebody looks. The answer is the part itself. */
const most = 400; // times; then the page is to be loaded anew

/* The focus goes on to the same thing in what comes instead, or to what stands in its place: whoever has a keyboard
 * alone would begin at the top of the page again and again. */
const stops = part => [...part.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
const sign = one => one.id || [one.tagName, one.getAttribute('href'), one.name, one.value, one.ariaLabel || one.textContent].join();

function remember(part) {
  const one = document.activeElement;
  if (!part.contains(one)) return () => {};
  const before = stops(part), at = before.indexOf(one), wanted = sign(one);
  const nth = before.slice(0, at).filter(other => sign(other) === wanted).length;
  return made => {
    const after = stops(made), same = after.filter(other => sign(other) === wanted);
    const next = same[nth] || same[0] || after[Math.min(at, after.length - 1)] || made;
    if (next === made) made.tabIndex = -1;
    next.focus({ preventScroll: true });
  };
}

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
      const refocus = remember(part);
      made.querySelectorAll('details[id]').forEach(one => { if (open.has(one.id)) one.open = true; });
      if (navigator.clipboard) made.querySelectorAll('[data-do=copy]').forEach(one => { one.hidden = false; });
      part.replaceWith(made);
      refocus(made);
      keep(made, left - 1);
    } catch { keep(part, left - 1); /* the line is away for a moment */ }
  }, seconds * 1000);
}

document.querySelectorAll('[data-fresh]').forEach(part => keep(part, most));
