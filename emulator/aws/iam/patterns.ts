/** Whether a text is what a pattern means. */
export type Matcher = (text: string) => boolean;

/** A pattern with * and ?; ${*}, ${?} and ${$} are the characters themselves. */
export function pattern(text: string): Matcher {
  if (!/[*?]/.test(text)) {
    const wanted = literal(text);
    return (found) => found === wanted;
  }
  const parts = text.split(/(\$\{[*?$]\}|[*?])/).map((part) => {
    if (part === '*') return '[^]*';
    if (part === '?') return '[^]';
    return literal(part).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  const expression = new RegExp(`^${parts.join('')}$`);
  return (found) => expression.test(found);
}

/** A text of a policy without its escapes. */
export function literal(text: string): string {
  return text.replace(/\$\{([*?$])\}/g, '$1');
}

/** Compares each of an ARN's six parts separately: a wildcard does not cross a colon, except in the last part. */
export function arnPattern(text: string): Matcher {
  const wanted = partsOf(text).map(pattern);
  return (arn) => {
    const found = partsOf(arn);
    return wanted.length === found.length && wanted.every((part, index) => part(found[index] ?? ''));
  };
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
