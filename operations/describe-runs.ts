import { formatSize } from '../shared/model/size.ts';
import { visible } from '../shared/model/text.ts';
import type { RunDetail, RunView } from './run-views.ts';

/** Runs as lines for people: a row for each, or one in detail. Numbers that are not known are shown as "-". */

const columns = ['state', 'started', 'ended', 'found', 'copied', 'skipped', 'failed', 'deleted', 'archived'] as const;
const widths = [10, 20, 20, 9, 9, 9, 9, 9, 9];

/** The heading of the rows of runs. */
export const rowHeading = row([...columns, 'bytes'], 'task and run');

/** A run in one row. */
export function describeRow({ task, run, state, dryRun, startedAt, endedAt, found, archived, ends }: RunView): string {
  const numbers = [found, ends?.copied, ends?.skipped, ends?.failed, ends?.deleted, archived].map(numberOf);
  const cells = [state, shortTime(startedAt), endedAt ? shortTime(endedAt) : '-', ...numbers, sizeOf(ends?.bytes)];
  return row(cells, `${visible(task)} ${visible(run)}${dryRun ? ' (dry run)' : ''}`);
}

/** A run in detail. */
export function describeRun(detail: RunDetail): string {
  const { task, run, prefix, state, dryRun, startedAt, endedAt, found, archived, unaccounted, ends, reason } = detail;
  const { copied, skipped, failed, deleted, cancelled, bytes, routes } = ends ?? {};
  const routeNumbers = {
    '  put': routes?.put,
    '  multipart': routes?.multipart,
    '  server-side': routes?.serverSideCopy,
  };
  const numbers = { found, copied, ...routeNumbers, skipped, failed, deleted, cancelled, archived, unaccounted };
  const lines = [
    line('task', visible(task)),
    line('run', visible(run)),
    line('state', dryRun ? `${state} (dry run)` : state),
    ...(prefix === undefined ? [] : [line('prefix', visible(prefix))]),
    ...(reason === undefined ? [] : [line('reason', visible(reason))]),
    line('started', visible(startedAt)),
    line('ended', endedAt ?? '-'),
    ...Object.entries(numbers).map(([name, count]) => line(name, numberOf(count))),
    line('bytes', sizeOf(bytes)),
  ];
  for (const { key, tookMillis, bytes: size } of detail.slowest) {
    lines.push(line('slow copy', `${(tookMillis / 1000).toFixed(1)} s, ${formatSize(size)}: ${visible(key)}`));
  }
  for (const key of detail.failedKeys) lines.push(line('failed key', visible(key)));
  return lines.join('\n');
}

function row(cells: readonly string[], last: string): string {
  const padded = cells.map((cell, index) => {
    const width = widths[index] ?? 10;
    return index < 3 ? cell.padEnd(width) : cell.padStart(width);
  });
  return `${padded.join(' ')}  ${last}`;
}

function line(name: string, value: string): string {
  return `${name.padEnd(14)}${value}`;
}

function numberOf(count: number | null | undefined): string {
  return count === null || count === undefined ? '-' : String(count);
}

function sizeOf(bytes: number | undefined): string {
  return bytes === undefined ? '-' : formatSize(bytes);
}

/** To the second. Records of former versions may have any text here. */
function shortTime(text: string): string {
  return visible(text).replace(/\.\d+Z$/, 'Z');
}
