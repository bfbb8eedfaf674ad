/* Before the first paint: the theme this browser was told to use, else the system's. */
(() => {
  'use strict';
  try {
    const theme = localStorage.getItem('mh-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch { /* storage is off: follow the system */ }
})();
