/** Text from outside (keys, reasons, answers of stores) as messages show it: bounded, and harmless to a terminal. */

/**
 * Characters that a reader cannot see or a terminal obeys: control characters (including C1: U+009B begins an escape
 * sequence), formatting characters (they reverse the direction of text), line separators, spaces other than U+0020,
 * private and unassigned characters, and lone surrogates. Anyone who can write an object can put these into its key.
 */
const invisible = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** The text with every invisible character written as `\uXXXX`, as JSON escapes it. Line ends are escaped too. */
export function visible(text: string): string {
  return text.replace(invisible, (character) => character.split('').map(escapeUnit).join(''));
}

/** Like {@link visible}, but keeps line ends: for a message of several lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** The text, cut after `limit` characters, and visible. */
export function excerpt(text: string, limit: number): string {
  return visible(text.length <= limit ? text : `${text.slice(0, limit)}...`);
}

/** The text as a JSON string: cut after `limit` characters, visible, in quotes. */
export function quoted(text: string, limit = 120): string {
  return visible(JSON.stringify(text.length <= limit ? text : `${text.slice(0, limit)}...`));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
