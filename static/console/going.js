// An act on very many things goes on by itself from portion to portion, unless somebody stops it.
const form = document.querySelector("form[data-going]");
const PAUSE = 400; // milliseconds in which "Stop here" can be reached

if (form) {
  const timer = setTimeout(() => form.requestSubmit(form.querySelector("[data-next]")), PAUSE);
  form.addEventListener("submit", () => clearTimeout(timer));
}
