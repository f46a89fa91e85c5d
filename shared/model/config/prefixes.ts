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
