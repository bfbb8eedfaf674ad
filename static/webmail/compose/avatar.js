/* Initials on a colour that stays with the name, as the tag `avatar` of the templates draws them. */

const HUES = 8;
const table = Uint32Array.from({ length: 256 }, (_, at) => {
  let rest = at;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest >>> 0;
});

function crc32(text) {
  let sum = 0xffffffff;
  for (const octet of new TextEncoder().encode(text)) sum = table[(sum ^ octet) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/** The hue of a name, 1 to 8. */
export const hue = name => crc32(name) % HUES + 1;

export function avatar(name, cls = '') {
  const words = name.replace(/@.*/, '').split(/[\s._-]+/).filter(word => /^[\p{L}\p{N}]/u.test(word));
  const first = word => [...word][0];
  const made = document.createElement('span');
  made.className = `avatar h${hue(name)} ${cls}`.trim();
  made.setAttribute('aria-hidden', 'true');
  made.textContent = words.length
    ? (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : '')).toUpperCase() : '?';
  return made;
}
