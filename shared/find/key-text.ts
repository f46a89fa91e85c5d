/** The highest code point: a prefix followed by it sorts after every other key with the prefix. */
export const highest = '\u{10ffff}';

/** The length of the beginning that two keys have in common, in whole characters. */
export function commonLength(a: string, b: string | undefined): number {
  if (b === undefined) return 0;
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a[index] === b[index]) index++;
  return wholeCharacters(a, index);
}

/** The largest length up to `length` that does not cut a character in two. */
export function wholeCharacters(text: string, length: number): number {
  const before = text.charCodeAt(length - 1);
  return before >= 0xd800 && before < 0xdc00 && length < text.length ? length - 1 : length;
}

/** The character that begins at `index`; undefined at the end of the text. */
export function characterAt(text: string, index: number): string | undefined {
  const point = text.codePointAt(index);
  return point === undefined ? undefined : String.fromCodePoint(point);
}
