/* The bar of unsaved policies says how many fields were changed, and which. Without script it says that they are
 * reviewed before they hold. */
const form = document.querySelector('form[data-policies]');

function show() {
  const words = form.querySelector('[data-words]');
  const changed = [...form.querySelectorAll('[data-was]')].filter(field => field.value.trim() !== field.dataset.was);
  const told = changed.slice(0, 3).map(field => `${field.dataset.name} ${field.dataset.was || 'as usual'} to ${field.value.trim() || 'as usual'}`);
  words.textContent = changed.length
    ? `${changed.length} ${changed.length === 1 ? 'change' : 'changes'} · ${told.join(' · ')}${changed.length > 3 ? ' …' : ''}`
    : 'Nothing is changed yet.';
}

if (form) {
  form.addEventListener('input', show);
  addEventListener('pageshow', show);
  show();
}
