/* Ticking rows: the first tick shows the bar of what can be done with them, which says how many they are. Without
 * script the bar is always there. A form[data-bulk] holds boxes named `id`, a .bulkbar, and [data-n] for the words. */
function watch(form) {
  const bar = form.querySelector('.bulkbar'), tools = form.querySelector('[data-tools]');
  const all = form.querySelector('[data-all]'), words = form.querySelector('[data-n]');
  const boxes = () => [...form.querySelectorAll('tbody input[type=checkbox][name=id]')];
  const whole = form.querySelector('input[name=everything]');
  let last = null;

  function show() {
    const every = boxes(), on = every.filter(box => box.checked);
    bar.hidden = !on.length;
    if (tools) tools.hidden = Boolean(on.length);
    if (all) { all.checked = on.length > 0 && on.length === every.length; all.indeterminate = on.length > 0 && on.length < every.length; }
    if (whole && !on.length) whole.checked = false;
    if (words) words.textContent = whole?.checked ? 'All selected' : `${on.length} selected`;
    every.forEach(box => box.closest('tr').classList.toggle('is-selected', box.checked));
  }
  form.addEventListener('click', event => {
    const box = event.target;
    if (!box.matches?.('tbody input[name=id]')) return;
    const every = boxes();
    if (event.shiftKey && last && every.includes(last)) {
      const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((a, b) => a - b);
      every.slice(from, to + 1).forEach(one => { one.checked = box.checked; });
    }
    last = box;
  });
  form.addEventListener('change', event => {
    if (event.target === all) boxes().forEach(box => { box.checked = all.checked; });
    show();
  });
  addEventListener('pageshow', show); // a page that comes back keeps its ticks
  show();
}

document.querySelectorAll('form[data-bulk]').forEach(watch);
