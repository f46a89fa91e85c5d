type Cell = string | number;

/**
 * A Markdown table, as the pages in docs/results have it: a heading, a rule and the rows, each ending with a newline.
 */
export function markdownTable(heads: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map(markdownRow).join('');
}

export function markdownRow(cells: readonly Cell[]): string {
  return `| ${cells.join(' | ')} |\n`;
}

/** Bytes as MiB with one decimal. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
