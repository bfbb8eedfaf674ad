/* HTML on its way into the editor: what is pasted, what is quoted, and the editor's own history. The server
 * cleans what it is sent and what it stores; this is the wall in the page. */
import '../../vendor/purify.min.js'; // no module of its own: it leaves its name in the window

const TAGS = ('a abbr b blockquote br caption cite code col colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6 '
  + 'hr i img ins li ol p pre q s small span strike strong sub sup table tbody td tfoot th thead tr tt u ul').split(' ');
const ATTRIBUTES = ('align alt bgcolor border cellpadding cellspacing class color colspan dir height href lang rowspan '
  + 'size src start title type valign width data-css data-sig data-quote data-cid').split(' ');
// What cannot lay anything over the page, load anything, or hide words from who sends them.
const LOOKS = ('background-color border border-bottom border-collapse border-color border-left border-radius '
  + 'border-right border-spacing border-style border-top border-width color direction font-family font-size '
  + 'font-style font-weight height letter-spacing line-height list-style-type max-width padding padding-bottom '
  + 'padding-left padding-right padding-top text-align text-decoration text-indent text-transform '
  + 'vertical-align white-space width word-break').split(' ');
const BOOKMARK = /^squire-selection-(?:start|end)$/; // where the cursor was, in the editor's history
const LONGEST = 1024 * 1024; // characters of HTML that are looked at

const purify = globalThis.DOMPurify(window);
const probe = document.createElement('i');

// The page's policy lets nobody write style attributes as text, and tells the console of each one that a
// parser meets: they are called otherwise until they are looked at.
const TAG = /<[a-z][^<>"']*(?:(?:"[^"<]*"|'[^'<]*')[^<>"']*)*>/gi;
const renamed = html => html.slice(0, LONGEST)
  .replace(TAG, tag => tag.replace(/(["'\s])style\s*=/gi, '$1 data-css='));

function looks(node) {
  const css = node.getAttribute('data-css');
  if (css === null) return;
  node.removeAttribute('data-css');
  probe.style.cssText = css.slice(0, 4000);
  for (const name of LOOKS) {
    const value = probe.style.getPropertyValue(name);
    if (value && !/url\(|var\(|expression/i.test(value)) node.style.setProperty(name, value);
  }
  probe.style.cssText = '';
}

/** Pictures are shown from here alone: one from elsewhere would tell that the letter is read. */
function picture(node) {
  let at = null;
  try { at = new URL(node.getAttribute('src') ?? '', location.href); } catch { /* no address */ }
  if (!at || (at.origin !== location.origin && at.protocol !== 'data:')) node.remove();
  else if (at.origin === location.origin && !/^\/(?:mail|img)\//.test(at.pathname)) node.remove();
}

purify.addHook('afterSanitizeAttributes', node => {
  looks(node);
  if (node.nodeName === 'IMG') picture(node);
  if (node.hasAttribute('class') && node.className !== 'sig' && node.className !== 'quote') node.removeAttribute('class');
  const href = node.getAttribute('href');
  if (href !== null && !/^(?:https?|mailto|tel):/i.test(href.trim())) node.removeAttribute('href');
});
purify.addHook('uponSanitizeElement', (node, data) => {
  if (data.tagName === 'input' && !(node.type === 'hidden' && BOOKMARK.test(node.id))) node.remove();
});

const RULES = {
  ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_DATA_ATTR: false,
  ADD_URI_SAFE_ATTR: ['data-css'], // "color: red" looks like an address with a scheme
  ALLOW_ARIA_ATTR: false,
  FORBID_CONTENTS: ['script', 'style', 'template', 'noscript', 'iframe', 'object', 'svg', 'math', 'title'],
  RETURN_DOM_FRAGMENT: true,
};

/** A fragment of `html` in which nothing runs, loads from elsewhere, or leaves its place. */
export const clean = html => document.importNode(purify.sanitize(renamed(html), RULES), true);

/** The same for the editor's own history, which marks the cursor's place. */
export const remembered = html => document.importNode(purify.sanitize(renamed(html), {
  ...RULES, ALLOWED_TAGS: [...TAGS, 'input'], ALLOWED_ATTR: [...ATTRIBUTES, 'id'], SANITIZE_NAMED_PROPS: false,
}), true);
