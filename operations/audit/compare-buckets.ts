import { compareObjects } from '../../shared/find/compare.ts';
import { UnsortedListing } from '../../shared/find/listing.ts';
import type { Pair } from '../../shared/find/merge.ts';
import { headPairs, mergedPairs, sidePrefixes, type Search } from '../../shared/find/pairs.ts';
import { readPrefixes } from '../../shared/find/prefixes.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { asFault, isFault } from '../../shared/model/faults.ts';
import { sameEtag } from '../../shared/model/object.ts';
import { isBareMarker, keyFilter } from '../../shared/model/config/key-filter.ts';
import { replicatesDeletes } from '../../shared/transfer/decide/choose-route.ts';
import { checksAtOnce, type AuditContext } from './context.ts';
import type { Finding, Judgement } from './finding.ts';
import { auditRule, judgeObject } from './judge-object.ts';
import { recheckObject } from './recheck.ts';
import { proveSame } from './prove-same.ts';
import { objectKey } from '../../shared/model/object-key.ts';

/** The counts of a comparison. */
export interface Comparison {
  /** keys listed at the source, and at the destination */
  readonly listed: number;
  readonly listedAtDestination: number;
  /** on either side, but excluded by the task's patterns */
  readonly excluded: number;
  /** on both sides, without a difference */
  readonly same: number;
  /** only at the destination, where the task keeps them */
  readonly kept: number;
  /** false if a listing failed before its end */
  readonly complete: boolean;
}

type Counts = { -readonly [Name in keyof Comparison]: Comparison[Name] };

/** Pairs whose ledger entries are read with one BatchGetItem, which takes 100 keys. */
const batchSize = 100;

/**
 * Compares both buckets by the task's own rules, and reports what differs. It holds one page of each listing and one
 * batch in memory, whatever the size of the buckets. A listing that fails is a finding, and ends the comparison.
 */
export async function compareBuckets(context: AuditContext): Promise<Comparison> {
  const { task, source, destination } = context;
  let counts = noCounts();
  let within: readonly string[];
  try {
    within = (await readPrefixes(source, task, task.source.prefix)).prefixes;
  } catch (error) {
    return reportIncomplete(context, counts, error);
  }
  const prefixes = sidePrefixes(task, task.source.prefix);
  const search: Search = { source, destination, prefixes, within, segment: {} };
  try {
    await walk(context, mergedPairs(search), counts);
  } catch (error) {
    if (!(error instanceof UnsortedListing)) return reportIncomplete(context, counts, error);
    context.restarted();
    context.found({ kind: 'order-unknown', seen: error.message });
    counts = noCounts();
    try {
      await walk(context, headPairs(search, { listing: 'source' }), counts);
      // As in a run: objects that only the destination has matter if deletes replicate.
      if (replicatesDeletes(task)) await walk(context, headPairs(search, { listing: 'destination' }), counts);
    } catch (again) {
      return reportIncomplete(context, counts, again);
    }
  }
  return { ...reportKept(context, counts), complete: true };
}

function noCounts(): Counts {
  return { listed: 0, listedAtDestination: 0, excluded: 0, same: 0, kept: 0, complete: false };
}

function reportIncomplete(context: AuditContext, counts: Counts, error: unknown): Comparison {
  const { name, message } = asFault(error);
  const sofar = `after ${counts.listed} keys of the source and ${counts.listedAtDestination} of the destination`;
  context.found({ kind: 'not-compared', seen: `source and destination, ${sofar}: ${name}: ${message}` });
  return reportKept(context, counts);
}

function reportKept(context: AuditContext, counts: Counts): Counts {
  if (counts.kept > 0) {
    const seen = `${counts.kept} objects are only at the destination ${context.destination.bucket}`;
    context.found({ kind: 'extra-kept', seen });
  }
  return counts;
}

async function walk(context: AuditContext, pairs: AsyncIterable<Pair>, counts: Counts): Promise<void> {
  const { task } = context;
  const isWanted = keyFilter(task);
  const replicated = replicatesDeletes(task);
  let batch: Pair[] = [];
  let keys = 0;
  const flush = async (): Promise<void> => {
    const pairs = batch;
    batch = [];
    context.compared(keys);
    keys = 0;
    await examine(context, pairs, counts);
  };
  for await (const pair of pairs) {
    keys++;
    if (pair.source) counts.listed++;
    if (pair.destination) counts.listedAtDestination++;
    if (pair.source || pair.destination) {
      if (isBareMarker(task, task.source.prefix + pair.key)) context.found(bareMarker(context, pair));
      else if (!isWanted(task.source.prefix + pair.key)) counts.excluded++;
      else if (!pair.source && !replicated) counts.kept++;
      else if (isPlainlySame(context, pair)) counts.same++;
      else batch.push(pair);
    }
    if (batch.length >= batchSize || keys >= 1000) await flush();
  }
  await flush();
}

/** The marker is on one side only: on the other, it has no key. */
function bareMarker({ task, source, destination }: AuditContext, pair: Pair): Finding {
  const [side, store] = pair.source ? (['source', source] as const) : (['destination', destination] as const);
  const seen = `it is at the ${side} ${store.bucket}, and cannot be replicated`;
  return { kind: 'bare-marker', key: task[side].prefix, seen };
}

/** Is the pair the same by its listings alone, so that neither the ledger nor a HEAD could show a difference? */
function isPlainlySame({ task, depth }: AuditContext, { source, destination }: Pair): boolean {
  if (!source || !destination || depth === 'bytes') return false;
  const rule = auditRule(task);
  if (compareObjects(rule, source, destination).kind !== 'same') return false;
  return (source.etag !== '' && sameEtag(source.etag, destination.etag)) || (rule === 'size' && depth === 'off');
}

/** Judges pairs by their listings and the ledger; a pair that seems to differ is read again. */
async function examine(context: AuditContext, pairs: readonly Pair[], counts: Counts): Promise<void> {
  if (pairs.length === 0) return;
  const { task, depth } = context;
  const keyOf = (pair: Pair): string => task.source.prefix + pair.key;
  const entries = await context.lookup.getMany(task.name, pairs.map(keyOf));
  await forEachConcurrently(pairs, checksAtOnce, async (pair) => {
    const key = keyOf(pair);
    const entry = entries.get(key);
    const { source, destination } = pair;
    let judgement = judgeObject(task, { source, destination, entry, now: context.clock.now() });
    if (judgement) judgement = await recheckObject(context, key, entry);
    else if (depth !== 'off' && source && destination) judgement = await proofOf(context, key);
    if (judgement) context.found({ ...judgement, key });
    else counts.same++;
  });
}

async function proofOf(context: AuditContext, key: string): Promise<Judgement | undefined> {
  try {
    return await proveSame(context, objectKey(key));
  } catch (error) {
    if (!isFault(error)) throw error;
    return { kind: 'unreadable', seen: `${error.name}: ${error.message}` };
  }
}
