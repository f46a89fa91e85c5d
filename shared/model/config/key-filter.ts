import type { Task } from './task-schema.ts';

/** Which keys of the source's prefix a task is about. Patterns are matched with what follows the prefix. */

/** Is a key of the source (with the prefix) one that the task is about? */
export type KeyFilter = (key: string) => boolean;

/** Under any of `prefixes` and included by any of `include`, where there are some, and excluded by none of `exclude`. */
export function keyFilter(task: Pick<Task, 'source' | 'prefixes' | 'include' | 'exclude'>): KeyFilter {
  const { source, prefixes, include, exclude = [] } = task;
  if (prefixes === undefined && include === undefined && exclude.length === 0) return () => true;
  const included = include?.map(globMatcher);
  const excluded = exclude.map(globMatcher);
  return (key) => {
    const rest = key.slice(source.prefix.length);
    return (
      (prefixes?.some((prefix) => rest.startsWith(prefix)) ?? true) &&
      (included?.some((matches) => matches(rest)) ?? true) &&
      !excluded.some((matches) => matches(rest))
    );
  };
}

/** `**` anything, `*` anything without a slash, `?` one character that is no slash; all else is itself. */
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
 * A pattern as a test of whole texts. The time is bounded by the product of both lengths, whatever the pattern: no
 * pattern from a configuration can hold a run up, as one with many stars in a regular expression could.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(pattern);
  const isStar = ({ kind }: Token): boolean => kind === 'any' || kind === 'within';
  return (text) => {
    // reached[n]: may the first n tokens match what was read so far?
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
