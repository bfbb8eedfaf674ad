/* Fingers: to swipe a row to the right archives it, to the left offers times to snooze it until; a
 * long press ticks it. */
import { act, fieldsFor } from './acts.js';
import { openMenu } from './menus.js';
import { $ } from './page.js';
import { toggle } from './selection.js';

const FAR = 90, STRAY = 40; // pixels
let swipe = null;

document.addEventListener('touchstart', event => {
  const row = event.target.closest?.('article.conv');
  const [finger] = event.touches;
  swipe = row && event.touches.length === 1 ? { row, x: finger.clientX, y: finger.clientY, far: 0 } : null;
}, { passive: true });

document.addEventListener('touchmove', event => {
  if (!swipe) return;
  const [finger] = event.touches, dx = finger.clientX - swipe.x, dy = Math.abs(finger.clientY - swipe.y);
  if (dy > STRAY) { endSwipe(); return; }
  swipe.far = dx;
  swipe.row.style.transform = Math.abs(dx) > 10 ? `translateX(${dx}px)` : '';
  swipe.row.classList.toggle('is-swiped', Math.abs(dx) > FAR);
}, { passive: true });

document.addEventListener('touchend', () => {
  const was = swipe;
  endSwipe();
  if (!was || Math.abs(was.far) <= FAR) return;
  if (was.far < 0) {
    if ($('#selbar [data-menu=snooze]')) openMenu('snooze', was.row)();
    return;
  }
  if (!$('#selbar [name=verb][value=archive]')) return;
  act('archive', [was.row], { ...fieldsFor([was.row]), all: undefined, ref: was.row.dataset.ref, verb: 'archive' });
});
document.addEventListener('touchcancel', endSwipe);

function endSwipe() {
  if (!swipe) return;
  swipe.row.style.transform = '';
  swipe.row.classList.remove('is-swiped');
  swipe = null;
}

document.addEventListener('contextmenu', event => {
  const row = event.target.closest?.('article.conv');
  if (!row || event.pointerType !== 'touch') return;
  event.preventDefault();
  toggle(row);
});
