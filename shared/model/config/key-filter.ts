import type { Task } from './task-schema.ts';

/** Which keys below the source's prefix a task selects. Patterns match the rest of the key, after the prefix. */

/** Does the task select a key of the source (given with the prefix)? */
export type KeyFilter = (key: string) => boolean;

/** The prefixes of both sides. */
export type PrefixesOf = { readonly [Side in 'source' | 'destination']: { readonly prefix: string } };

/**
 * Is it the folder marker of the prefix of one side (`photos/`), while the other side has no prefix? Its key over there
 * would be empty, and a request about an object without a key is one about the bucket. Such a marker is never copied,
 * deleted or asked for.
 * @param key at the source; begins with the source's prefix. Empty for the marker of the destination's prefix
 */
export function isBareMarker({ source, destination }: PrefixesOf, key: string): boolean {
  return key === '' || (destination.prefix === '' && key === source.prefix);
}

/**
 * Selects keys that match one of `prefixes` (if set) and one of `include` (if set), and none of `exclude`. A folder
 * marker without a key on the other side is not selected.
 */
export function keyFilter(task: PrefixesOf & Pick<Task, 'prefixes' | 'include' | 'exclude'>): KeyFilter {
  const { source, prefixes, include, exclude = [] } = task;
  const isOnBothSides: KeyFilter = (key) => !isBareMarker(task, key);
  if (prefixes === undefined && include === undefined && exclude.length === 0) return isOnBothSides;
  const included = include?.map(globMatcher);
  const excluded = exclude.map(globMatcher);
  return (key) => {
    const rest = key.slice(source.prefix.length);
    return (
      isOnBothSides(key) &&
      (prefixes?.some((prefix) => rest.startsWith(prefix)) ?? true) &&
      (included?.some((matches) => matches(rest)) ?? true) &&
      !excluded.some((matches) => matches(rest))
    );
  };
}

/** `**` matches anything, `*` anything without a slash, `?` one character except a slash; all else matches itself. */
type Token = { readonly kind: 'any' | 'within' | 'one' } | { readonly kind: 'itself'; readonly character: string };

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(/\*\*+|\*|\?|[^]/gu)].map(([text]) => {
    if (text.startsWith('**')) return { kind: 'any' };
    if (text === '*') return { kind: 'within' };
    if (text === '?') return { kind: 'one' };
    return { kind: 'itself', character: text };
  });
}

/**
 * A function that matches whole texts against a pattern. Its time is bounded by the product of both lengths, so that no
 * pattern can stall a run, as a regular expression with many stars could.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(pattern);
  const isStar = ({ kind }: Token): boolean => kind === 'any' || kind === 'within';
  return (text) => {
    // reached[n]: can the first n tokens match the characters read so far?
    const reached = new Uint8Array(tokens.length + 1);
    reached[0] = 1;
    for (const [index, token] of tokens.entries()) reached[index + 1] = isStar(token) ? (reached[index] ?? 0) : 0;
    for (const character of text) {
      let before = reached.at(0) ?? 0;
      reached[0] = 0;
      for (const [index, token] of tokens.entries()) {
        const here = reached[index + 1] ?? 0;
        reached[index + 1] = isStar(token)
          ? (reached[index] ?? 0) | (takes(token, character) ? here : 0)
          : takes(token, character)
            ? before
            : 0;
        before = here;
      }
    }
    return reached[tokens.length] === 1;
  };
}

function takes(token: Token, character: string): boolean {
  if (token.kind === 'itself') return token.character === character;
  return token.kind === 'any' || character !== '/';
}
