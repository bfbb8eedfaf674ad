/* How large a picture is shown: as wide as a text is at most, to begin with. */

export const WIDE = 600, SMALL = 300; // CSS pixels

/** The sizes of `size` shown no wider than `width`. */
export function scaled(size, width) {
  const wide = Math.min(size.width, width);
  return { width: wide, height: Math.round(size.height * wide / size.width) };
}
