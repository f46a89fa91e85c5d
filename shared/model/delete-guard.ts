import { quoted } from './text.ts';
import type { RunCounts } from './run-counts.ts';

/** What a run may delete: the settings of its task and of its input. */
export interface DeleteGuard {
  /** a count, or a share such as "10%" of the keys listed at the destination */
  readonly maxDeletes?: number | string;
  /** the source may list nothing, or far less than before */
  readonly allowEmptySource?: boolean;
  /** the run was started with `allowDeletes`: the person who started it has seen the number */
  readonly allowDeletes?: boolean;
}

/** What the guard judges: the sums over all segments, before the first delete is sent. */
export interface GuardedRun {
  readonly task: string;
  readonly counts: RunCounts;
  /** keys that the last run over the same prefix listed at the source; undefined if there was none */
  readonly lastListed: number | undefined;
  /** some of the keys that would be deleted */
  readonly examples: readonly string[];
}

/** A run may delete this many objects, or the share below, whichever is more, if its task says nothing. */
const defaultDeletes = 1000;
const defaultShare = 10;
/** A source that lists less than this share of what is expected of it has probably not been found. */
const leastShareListed = 0.5;
const maxExamples = 3;

/**
 * Judges the deletes of a run. They come from what the source does not list, and a mistyped prefix, a wrong account or
 * a store that answers with an empty page look exactly like a source that was emptied.
 * @returns why the deletes are refused, and how to allow them; undefined if they may be sent
 */
export function refusedDeletes(run: GuardedRun, guard: DeleteGuard): string | undefined {
  const { counts, examples, task } = run;
  if (counts.deletes === 0 || guard.allowDeletes === true) return undefined;
  const faults = [...sourceFaults(run, guard), ...limitFaults(counts, guard)];
  const [first] = faults;
  if (!first) return undefined;
  const shown = examples.slice(0, maxExamples).map((key) => quoted(key, 60));
  const allow = [...new Set(faults.map(({ option }) => option)), 'start the run with "allowDeletes": true'];
  return (
    `task ${task}: ${counts.deletes} of ${counts.listedAtDestination} objects at the destination would be deleted` +
    (shown.length > 0 ? `, such as ${shown.join(', ')}` : '') +
    `, but ${faults.map(({ found }) => found).join('; and ')}. No delete was sent. ` +
    `If they are to be deleted, ${allow.join(', or ')}`
  );
}

interface GuardFault {
  readonly found: string;
  /** what allows it, for the message */
  readonly option: string;
}

function sourceFaults({ counts, lastListed }: GuardedRun, guard: DeleteGuard): GuardFault[] {
  if (guard.allowEmptySource === true) return [];
  const option = 'set "allowEmptySource": true in the task';
  if (counts.listed === 0) return [{ found: 'the source lists no object (is its prefix right?)', option }];
  // A task that never ran has no better measure than what is at the destination.
  const expected = lastListed ?? counts.listedAtDestination;
  if (counts.listed >= expected * leastShareListed) return [];
  const before = lastListed === undefined ? 'the destination lists' : 'the last run that was done found';
  return [
    { found: `the source lists ${counts.listed} objects, less than half of the ${expected} that ${before}`, option },
  ];
}

function limitFaults(counts: RunCounts, { maxDeletes }: DeleteGuard): GuardFault[] {
  const limit = allowedDeletes(maxDeletes, counts.listedAtDestination);
  if (counts.deletes <= limit) return [];
  const rule = maxDeletes === undefined ? `the default, ${defaultDeletes} or ${defaultShare}%` : String(maxDeletes);
  return [{ found: `maxDeletes (${rule}) allows ${limit}`, option: 'raise "maxDeletes" in the task' }];
}

/** @param listed keys at the destination @returns how many deletes a run may send */
export function allowedDeletes(maxDeletes: number | string | undefined, listed: number): number {
  if (typeof maxDeletes === 'number') return maxDeletes;
  const share = maxDeletes === undefined ? defaultShare : (parseShare(maxDeletes) ?? 0);
  // In whole numbers where that is exact: 7% of 100 is 7, which a product of fractions may miss.
  const allowed = Math.floor((listed * share) / 100);
  return maxDeletes === undefined ? Math.max(defaultDeletes, allowed) : allowed;
}

/** The number in a share such as "10%" or "0.5%", from 0 to 100; undefined if the text is none. */
export function parseShare(text: string): number | undefined {
  const match = /^([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%$/.exec(text);
  const share = Number(match?.[1] ?? NaN);
  return share <= 100 ? share : undefined;
}
