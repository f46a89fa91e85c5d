/**
 * Text from outside (keys, reasons) as a terminal may see it: control characters, line ends, characters that are not
 * seen or that turn the direction of writing, and halves of characters are shown as `\u{...}`. Anybody may put such
 * into a key, and a terminal obeys them.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
