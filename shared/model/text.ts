/** Text from outside as messages show it: on one line, of bounded length, and nothing that a terminal or reader obeys. */

/**
 * What is not seen as itself: control characters (C1 too: U+009B begins a terminal's escape sequence), formatting ones
 * (which turn the direction of writing around), line separators, lone surrogates and what is no character.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/gu;

/** The text with every character that is not seen as itself written `\uXXXX`. */
export function visible(text: string): string {
  return text.replace(unseen, (characters) => characters.split('').map(unitText).join(''));
}

/** As {@link visible}, with line ends as they are: for what is written to a terminal. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** The text cut after `limit` characters, and visible. */
export function excerpt(text: string, limit: number): string {
  return visible(text.length <= limit ? text : `${text.slice(0, limit)}...`);
}

/** The text cut after `limit` characters, in quotes. */
export function quoted(text: string, limit = 120): string {
  return visible(JSON.stringify(text.length <= limit ? text : `${text.slice(0, limit)}...`));
}

function unitText(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
