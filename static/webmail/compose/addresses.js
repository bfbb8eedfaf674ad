/* Lists of addresses as people type and paste them, taken apart and put together. What counts is what the
 * server reads from the same text; this decides how it is drawn. Linear in the length of the text. */

const LONGEST = 60_000; // characters, as the server takes
const ADDRESS = /^(?:"(?:[^"\\]|\\.){1,64}"|[^\s"(),:;<>@[\]\\]{1,250})@(?:[^\s"(),:;<>@[\]\\]{1,255}|\[[0-9a-f.:ipv]{2,60}\])$/i;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** One recipient: `address` is '' where the words are none. */
export class Person {
  constructor(name, address, words) {
    this.name = name === address ? '' : name;
    this.address = address;
    this.words = words;
  }

  /** What tells two apart. */
  get key() { return (this.address || this.words).toLowerCase(); }

  /** As it is drawn. */
  get shown() {
    // Who is called by an address is shown by the one that is written to.
    return this.name && !this.name.includes('@') ? this.name : this.address || this.words;
  }

  /** As one types it. */
  get text() {
    if (!this.address) return this.words;
    return this.name ? `${quoted(this.name)} <${this.address}>` : this.address;
  }
}

const quoted = name => /[^\p{L}\p{N}\s_.'-]/u.test(name) ? `"${name.replace(/(["\\])/g, '\\$1')}"` : name;
const unquoted = name => name.trim().replace(/^"([\s\S]*)"$/, '$1').replace(/\\(["\\])/g, '$1').trim();

/** The words between the separators that stand in no quotes, brackets or comments, each with what ended it. */
function entries(text) {
  const found = [];
  let from = 0, isQuoted = false, isIn = false, depth = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const sign = text[at];
    if (sign === '\\' && isQuoted) at += 1;
    else if (sign === '"') isQuoted = !isQuoted;
    else if (sign === undefined || sign === '\n' || !isQuoted && !isIn && !depth && (sign === ',' || sign === ';')) {
      const entry = text.slice(from, at).trim();
      if (entry) found.push([entry, sign]);
      from = at + 1;
      isQuoted = isIn = false;
      depth = 0;
    } else if (!isQuoted) {
      if (sign === '<') isIn = true;
      else if (sign === '>') isIn = false;
      else if (sign === '(') depth += 1;
      else if (sign === ')' && depth) depth -= 1;
    }
  }
  return found;
}

/** One entry: `Name <address>`, an address, one with a comment, `mailto:address`, or words. */
function person(entry) {
  // "Team: ada@example.org" begins a group (RFC 5322 section 3.4); its members are what is written to.
  const words = entry.replace(/^[^"<>@:,]{1,200}:\s*(?=[^/\s])(?=.*@)/, '').trim();
  const open = words.lastIndexOf('<');
  if (open >= 0 && words.endsWith('>')) {
    const address = words.slice(open + 1, -1).trim().replace(/^mailto:/i, '');
    if (ADDRESS.test(address)) return new Person(unquoted(words.slice(0, open)), address, words);
  }
  const [, bare = words, said = ''] = /^(\S+@\S+)\s*\(([^()]*)\)$/.exec(words) ?? []; // tomas@example.org (Tomás)
  return ADDRESS.test(bare) ? new Person(said.trim(), bare, words) : new Person('', '', words);
}

/** All recipients of a text. `isPasted`: "Silva, Tomas <t@example.org>" is one, as other programs write it. */
export function people(text, { isPasted = false } = {}) {
  const found = [];
  let before = '';
  for (const [entry, end] of entries(text.slice(0, LONGEST).replace(/\r\n?/g, '\n').replace(CONTROLS, ' '))) {
    const bare = entry.split(/\s+/);
    const isRow = bare.length > 1 && bare.every(one => ADDRESS.test(one));
    for (const one of isRow ? bare.map(person) : [person(entry)]) {
      if (isPasted && before && one.name && !entry.startsWith('"')) {
        found.pop();
        one.name = `${before}, ${one.name}`;
      }
      found.push(one);
      before = one.address || end !== ',' || /[@<>"]/.test(one.words) ? '' : one.words;
    }
  }
  return found;
}

/** Whether what is typed is an address already. */
export const isAddress = text => Boolean(person(text.trim()).address);

/** Whether a separator at the end of `text` ends a recipient: not within quotes, brackets or a mere name. */
export const isWhole = text => entries(`${text},x`).length > 1 && text.includes('@');

export const listed = some => some.map(one => one.text).join(', ');
