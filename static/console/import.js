/* A file that is too large is refused before it is sent: the server would end the line in the middle of it. */
const file = document.querySelector('input[type=file][data-most]');

file?.addEventListener('change', () => {
  const chosen = file.files[0];
  file.setCustomValidity(chosen && chosen.size > Number(file.dataset.most) ? file.dataset.tooLarge : '');
  file.reportValidity();
});
