/* Text of what is written richly, and back. What is sent as text beside HTML is made on the server. */

const BLOCKS = new Set(['BLOCKQUOTE', 'DIV', 'DL', 'DT', 'DD', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'HR', 'LI', 'OL', 'P',
  'PRE', 'TABLE', 'TR', 'UL']);
const SPACED = new Set(['P', 'UL', 'OL', 'BLOCKQUOTE', 'TABLE', 'H1', 'H2', 'H3']); // an empty line around them

const MARK = '-- '; // before a signature: RFC 3676 section 4.3
const SIGNATURE = '.sig, [data-sig]';

/** Lines that grow; `gap` is how many line ends stand between what was said and what comes. */
class Lines {
  constructor() {
    this.text = '';
    this.isBegun = false;
    this.gap = 0;
    this.prefix = ''; // the marks of the quotes that we are in
    this.between = ''; // of the empty line in a gap: it is of the outer one
  }

  say(words) {
    if (!this.isBegun) this.text = this.prefix;
    else if (this.gap > 1) this.text += `\n${this.between.trimEnd()}\n${this.prefix}`;
    else if (this.gap) this.text += `\n${this.prefix}`;
    this.isBegun = true;
    this.gap = 0;
    this.text += words;
  }

  end(lines) {
    if (!this.gap || this.prefix.length < this.between.length) this.between = this.prefix;
    this.gap = Math.max(this.gap, lines);
  }

  get isAtStart() { return !this.isBegun || this.gap > 0; }
}

function item(node, lines) {
  const list = node.parentElement;
  const at = list?.nodeName === 'OL' ? [...list.children].indexOf(node) + 1 : 0;
  let deep = '';
  for (let above = list?.closest('li'); above && deep.length < 20; above = above.parentElement.closest('li')) deep += '  ';
  lines.say(deep + (at ? `${at}. ` : '* '));
}

function walk(node, lines, isPre) {
  for (const one of node.childNodes) {
    if (one.nodeType === Node.TEXT_NODE) {
      const words = one.data.replace(/\u200b/g, '').replace(/\u00a0/g, ' ');
      if (isPre) words.split('\n').forEach((line, at) => { if (at) lines.end(1); if (line) lines.say(line); });
      else {
        const said = words.replace(/[ \t\r\n]+/g, ' ');
        const kept = lines.isAtStart ? said.trimStart() : said;
        if (kept) lines.say(kept);
      }
    } else if (one.nodeName === 'BR') {
      // The last one of a block is what holds it open.
      const isLast = !one.nextSibling && BLOCKS.has(node.nodeName);
      if (isLast ? node.childNodes.length === 1 : lines.gap) lines.say('');
      if (!isLast) lines.end(1);
    } else if (one.nodeName === 'IMG') {
      if (one.alt) lines.say(`[${one.alt}]`);
    } else if (one.nodeType === Node.ELEMENT_NODE) element(one, lines, isPre);
  }
}

/** Whether where a link leads is not what it says. */
function isToldApart(link) {
  const at = (link.getAttribute('href') ?? '').replace(/^(?:mailto:|https?:\/\/)/, '').replace(/\/$/, '');
  return Boolean(at) && !link.textContent.includes(at);
}

/** Its lines stand right below the mark, whatever they are made of. */
function signature(node, lines, isPre) {
  const within = new Lines();
  walk(node, within, isPre);
  within.text.split('\n').forEach(line => { lines.end(1); lines.say(line); });
}

function element(node, lines, isPre) {
  const isNested = node.matches('li ul, li ol');
  const around = SPACED.has(node.nodeName) && !isNested ? 2 : BLOCKS.has(node.nodeName) ? 1 : 0;
  if (lines.isBegun) lines.end(around);
  const prefix = lines.prefix;
  if (node.nodeName === 'BLOCKQUOTE') lines.prefix = `> ${prefix}`;
  if (node.nodeName === 'LI') item(node, lines);
  if (node.matches(SIGNATURE)) {
    lines.say(MARK);
    signature(node, lines, isPre);
    lines.end(2);
    return;
  }
  if (node.nodeName === 'HR') lines.say('-'.repeat(20));
  walk(node, lines, isPre || node.nodeName === 'PRE');
  if (node.nodeName === 'A' && isToldApart(node)) lines.say(` <${node.getAttribute('href')}>`);
  if (node.nodeName === 'TD' || node.nodeName === 'TH') lines.say(' ');
  lines.prefix = prefix;
  lines.end(around);
}

/** The text that `node` would be read as. */
export function plain(node) {
  const lines = new Lines();
  walk(node, lines, false);
  const said = lines.text.split('\n').map(line => line === MARK ? line : line.trimEnd()).join('\n');
  return said.replace(/\n+$/, '') + (said ? '\n' : '');
}

const escaped = text => {
  const made = document.createElement('i');
  made.textContent = text;
  return made.innerHTML;
};

/** HTML of plain text: lines, and quotes by their marks. */
export function rich(text) {
  const made = [];
  let depth = 0, isSignature = false;
  for (const line of text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n')) {
    const marks = /^(?:> ?)*/.exec(line)[0], wanted = Math.min(20, marks.replace(/[^>]/g, '').length);
    if (isSignature && (wanted || !line)) { made.push('</div>'); isSignature = false; }
    if (line === MARK && !isSignature) { made.push('<div class="sig" data-sig="">'); isSignature = true; continue; }
    while (depth < wanted) { made.push('<blockquote>'); depth += 1; }
    while (depth > wanted) { made.push('</blockquote>'); depth -= 1; }
    const words = escaped(line.slice(marks.length)).replace(/ {2}/g, ' &nbsp;');
    made.push(`<div>${words || '<br>'}</div>`);
  }
  made.push('</blockquote>'.repeat(depth), isSignature ? '</div>' : '');
  return made.join('');
}
