/**
 * Compares two keys as S3 sorts them, by their UTF-8 bytes. JavaScript compares UTF-16 units, which differs for
 * characters beyond U+FFFF: their surrogates (D800-DFFF) sort before E000-FFFF, their UTF-8 bytes after.
 * @returns negative, 0 or positive
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Ranks surrogates above all other UTF-16 units. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
