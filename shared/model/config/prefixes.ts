/** The prefixes without those that lie inside another; together they are about the same keys. */
export function outermost(prefixes: readonly string[]): string[] {
  const kept: string[] = [];
  for (const prefix of [...prefixes].sort()) {
    const last = kept.at(-1);
    // In order, whatever lies inside a prefix comes right after it.
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}
