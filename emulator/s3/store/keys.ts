const lastCodePoint = 0x10ffff;

/**
 * The smallest string that is greater than every string with this prefix, in UTF-8 byte order (which is code point
 * order); undefined if no such string exists. A scan uses it to skip all keys of a common prefix.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === lastCodePoint) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // Surrogates are not characters: U+E000 follows U+D7FF.
  points.push(last === 0xd7ff ? 0xe000 : last + 1);
  return String.fromCodePoint(...points);
}

/** The key order of S3: by UTF-8 bytes, which differs from the order of JavaScript strings. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
