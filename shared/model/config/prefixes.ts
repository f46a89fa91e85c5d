import { quoted } from '../text.ts';

/** The prefixes without those that another one covers; both lists select the same keys. */
export function outermost(prefixes: readonly string[]): string[] {
  const kept: string[] = [];
  for (const prefix of [...prefixes].sort()) {
    const last = kept.at(-1);
    // In sorted order, the prefixes that a prefix covers follow it directly.
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}

/**
 * A prefix as the filter of a bucket's notification needs it: percent-encoded except slashes, a space as `+` (S3 user
 * guide, key filtering).
 */
export function filterPrefix(prefix: string): string {
  return encodeURIComponent(prefix).replaceAll('%2F', '/').replaceAll('%20', '+');
}

/** Does what follows the prefix begin a name, rather than continue one? */
export function startsName(prefix: string): boolean {
  return prefix === '' || prefix.endsWith('/');
}

/**
 * What is legal in a prefix and nearly always a slip. With a prefix that no key has, a run finds nothing, and with
 * `deletes` it would delete what the prefix was to copy; so the choice is the user's.
 * @param startsKey true if keys begin with it, rather than with something before it
 * @returns what is expected instead, or undefined
 */
export function prefixSlip(prefix: string, startsKey = true): string | undefined {
  const slip = slips.find(({ form, onlyAtStart }) => form.test(prefix) && (startsKey || onlyAtStart !== true));
  if (!slip) return undefined;
  const meant = slip.meant(prefix);
  const expected = meant === prefix ? '' : `expected ${quoted(meant)}, or `;
  const verbatim = '"verbatimPrefix": true beside source.prefix or destination.prefix if keys are so';
  return `found ${quoted(prefix)}, ${slip.why}; ${expected}${verbatim}`;
}

interface Slip {
  readonly form: RegExp;
  readonly why: string;
  readonly meant: (prefix: string) => string;
  readonly onlyAtStart?: boolean;
}

const slips: readonly Slip[] = [
  {
    form: /^[a-z0-9]+:\/\//i,
    why: 'a URL, and a prefix is only what follows the bucket',
    meant: (prefix) => prefix.replace(/^[a-z0-9]+:\/\/[^/]*\/?/i, ''),
  },
  {
    form: /^\s|\s$|[\r\n]/,
    why: 'with white space at an end or a line break',
    meant: (prefix) => prefix.trim(),
  },
  {
    form: /^\//,
    why: 'which begins with a slash, and keys do not',
    meant: (prefix) => prefix.replace(/^\/+/, ''),
    onlyAtStart: true,
  },
  {
    form: /^\.{1,2}\//,
    why: 'a relative path, and keys have none',
    meant: (prefix) => prefix.replace(/^(\.{1,2}\/)+/, ''),
    onlyAtStart: true,
  },
  {
    form: /\*/,
    why: 'with a star, which a prefix takes as a character (patterns go into include)',
    meant: (prefix) => prefix.replace(/\*[^]*$/, ''),
  },
  {
    form: /\\/,
    why: 'with a backslash, and keys are divided by slashes',
    meant: (prefix) => prefix.replaceAll('\\', '/'),
  },
];
