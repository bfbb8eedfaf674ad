/* What lies over a page for a while: the panel "Why is it here?", the preview of a file, a small form.
 * Back closes it. The address stays the one of the page beneath, so that whatever asks for the page
 * anew asks for the right one. One thing at a time. */

let laid = null; // what takes it away
let isLifting = false; // we went back ourselves, and the browser will tell us so

/** Something was opened; `close(isGone)` takes it away, `isGone`: since the page beneath is another. */
export function lay(close) {
  // What stood there gives its step in the history to what comes.
  if (!drop()) history.pushState({ ...history.state, over: true }, '');
  laid = close;
}

function takeAway(isGone) {
  const close = laid;
  laid = null;
  close?.(isGone);
  return Boolean(close);
}

/** Its own button or Esc: as if one had gone back. */
export function lift() {
  if (!takeAway(false)) return;
  isLifting = true;
  history.back();
}

/** The page beneath becomes another one. Whether there was something, whose step is free now. */
export const drop = () => takeAway(true);

/** Back or forward was pressed; whether that has closed what lay here, and nothing else is to be done. */
export function steppedBack() {
  if (isLifting) {
    isLifting = false;
    return true;
  }
  return takeAway(false);
}
