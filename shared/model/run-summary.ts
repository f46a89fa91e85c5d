import type { RunRecord } from './ledger-entry.ts';
import { copiedOf, endedOf } from './run-ends.ts';
import { formatSize } from './size.ts';

/** Source and detail type of the event of a run's end. */
export const runEndSource = 's3-ferry';
export const runEndDetailType = 'S3 Ferry Run Ended';

/** A run in numbers. Keys stay in the ledger: they may hold personal data, and events and mails go anywhere. */
export interface RunEndEvent {
  readonly task: string;
  readonly run: string;
  readonly prefix?: string;
  readonly status: RunRecord['status'];
  readonly dryRun: boolean;
  /** objects for which a job was sent */
  readonly found: number;
  readonly copied: number;
  readonly skipped: number;
  readonly deleted: number;
  readonly failed: number;
  readonly cancelled: number;
  /** jobs that have not ended, as far as counters and ledger show: their messages expired or were removed */
  readonly unaccounted: number;
  /** objects that differ but are archived */
  readonly archived: number;
  /** bytes copied */
  readonly bytes: number;
  /** objects copied, by route */
  readonly routes: { readonly put: number; readonly multipart: number; readonly serverSideCopy: number };
  /** ISO 8601 */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly reason?: string;
}

/** The numbers of a run; undefined numbers of a record of a former version are 0. */
export function summaryOf(record: RunRecord): RunEndEvent {
  const { task, run, prefix, status, dryRun, counts, ends, startedAt, endedAt, reason } = record;
  return {
    ...{ task, run, status, dryRun },
    ...(prefix !== undefined && { prefix }),
    found: counts.jobs,
    copied: ends ? copiedOf(ends) : 0,
    skipped: ends?.skip ?? 0,
    deleted: ends?.delete ?? 0,
    failed: ends?.failed ?? 0,
    cancelled: ends?.cancelled ?? 0,
    unaccounted: ends && !dryRun ? Math.max(0, counts.jobs - endedOf(ends)) : 0,
    archived: counts.archived ?? 0,
    bytes: ends?.bytes ?? 0,
    routes: {
      put: ends?.put ?? 0,
      multipart: ends?.multipart ?? 0,
      serverSideCopy: ends?.['server-side copy'] ?? 0,
    },
    startedAt,
    ...(endedAt !== undefined && { endedAt: new Date(endedAt).toISOString() }),
    ...(reason !== undefined && { reason }),
  };
}

/** The notice of a run's end. SNS takes subjects of at most 100 ASCII characters (SNS API Reference, Publish). */
export function noticeOf(end: RunEndEvent): { readonly subject: string; readonly message: string } {
  const { task, run, status, found, copied, skipped, deleted, failed, cancelled, unaccounted, archived } = end;
  const counts = { found, copied, skipped, deleted, failed, cancelled, unaccounted, archived };
  const lines = [
    `Run ${run} of task ${task} has ended: ${status}.`,
    '',
    ...Object.entries(counts).map(([name, count]) => `${name.padEnd(12)}${count}`),
    `${'bytes'.padEnd(12)}${end.bytes} (${formatSize(end.bytes)})`,
    '',
    `from ${end.startedAt} to ${end.endedAt ?? '?'}`,
    ...(end.reason === undefined ? [] : [end.reason]),
    `Keys that failed, and the slowest copies: item run#${task}#${run} of the ledger's table`,
  ];
  return { subject: `S3 Ferry: ${task}, run ended`.slice(0, 100), message: lines.join('\n') };
}
