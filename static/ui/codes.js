/* Codes that are shown once: to the clipboard, or into a file. Both are made in the browser. */
(() => {
  'use strict';
  const codes = () => document.getElementById('codes').innerText.trim() + '\n';
  document.querySelectorAll('[data-codes]').forEach(button => {
    button.hidden = false;
    button.addEventListener('click', async () => {
      if (button.dataset.codes === 'save') {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(new Blob([codes()], { type: 'text/plain' }));
        link.download = 'recovery-codes.txt';
        link.click();
        URL.revokeObjectURL(link.href);
        return;
      }
      try {
        await navigator.clipboard.writeText(codes());
        button.querySelector('span').textContent = 'Copied';
      } catch { /* the person can still mark and copy them */ }
    });
  });
})();
