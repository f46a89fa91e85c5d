import { duration, type Report } from '../scenarios/scenario.ts';

/** The tables of docs/scale.md. */

type Cell = string | number;

/** A Markdown table: a heading, a rule and the rows, each ending with a newline. */
export function markdownTable(heads: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const row = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |\n`;
  return [heads, heads.map(() => '---'), ...rows].map(row).join('');
}

/** What must be shown, and what was. */
export function findingsTable(reports: readonly Report[]): string {
  const rows = reports.flatMap(({ scenario, variant, findings }) =>
    findings.map(({ what, must, found, isMet }) => [scenario, variant, what, must, found, isMet ? 'yes' : '**no**']),
  );
  return markdownTable(['scenario', 'run', 'what', 'must', 'found', 'met'], rows);
}

/** Objects, time and money of each run. */
export function runsTable(reports: readonly Report[]): string {
  const heads = [
    'scenario',
    'run',
    'objects',
    'done',
    'lost',
    'dead letters',
    'time',
    'bound',
    'time / bound',
    'dollars',
  ];
  const rows = reports.map((report) => {
    const { scenario, variant, objects, done, lost, deadLetters, seconds, boundSeconds } = report;
    const letters = Object.entries(deadLetters).map(([fault, count]) => `${number(count)} ${fault}`);
    return [
      ...[scenario, variant, number(objects), number(done), number(lost), letters.join(', ') || '0'],
      ...[
        duration(seconds),
        duration(boundSeconds),
        (seconds / boundSeconds).toFixed(2),
        sum(report.dollars).toFixed(2),
      ],
    ];
  });
  return markdownTable(heads, rows);
}

/** What is billed, by line. */
export function costsTable(reports: readonly Report[]): string {
  const lines = [...new Set(reports.flatMap(({ dollars }) => Object.keys(dollars)))];
  const rows = reports.map(({ scenario, variant, dollars }) => [
    ...[scenario, variant],
    ...lines.map((line) => (dollars[line] ?? 0).toFixed(2)),
  ]);
  return markdownTable(['scenario', 'run', ...lines], rows);
}

/** The highest use of each quota. */
export function peaksTable(reports: readonly Report[]): string {
  const rows = reports.flatMap(({ scenario, variant, peaks }) =>
    Object.entries(peaks).map(([quota, use]) => [scenario, variant, quota, number(use)]),
  );
  return markdownTable(['scenario', 'run', 'quota', 'peak'], rows);
}

export function boundsList(reports: readonly Report[]): string {
  return reports
    .map(({ scenario, variant, bound, notes }) => `- **${scenario}, ${variant}**: ${[bound, ...notes].join('. ')}\n`)
    .join('');
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
