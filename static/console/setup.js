/* The DNS step of the first run: a form with `data-again="seconds"` is sent by itself now and then, while somebody
 * looks, and where the page goes says nothing: the part that shows the findings is asked for by fresh.js. */
const tick = 1000;
let waited = 0;

setInterval(() => {
  const form = document.querySelector('form[data-again]');
  if (!form || document.hidden) return;
  waited += 1;
  if (waited < Number(form.dataset.again)) return;
  waited = 0;
  fetch(form.action, { method: 'POST', body: new FormData(form), redirect: 'manual' }).catch(() => {});
}, tick);
