import { describe, expect, it } from '@jest/globals';
import { findingKinds } from '../../../operations/audit/finding.ts';
import {
  judgeObject,
  stalledAfterMillis,
  type Activity,
  type ObjectState,
  type SeenObject,
} from '../../../operations/audit/judge-object.ts';
import type { LedgerEntry } from '../../../shared/model/ledger-entry.ts';
import { parseTask, type Task } from '../../../shared/model/config/task.ts';

const now = Date.UTC(2026, 10, 2);
const minute = 60_000;

function task(more: object = {}): Task {
  return parseTask(
    JSON.stringify({ name: 't', source: { bucket: 'source' }, destination: { bucket: 'destination' }, ...more }),
    'task',
  );
}

/** A source version that is an hour old, and a destination that is half an hour old, of the same size. */
const source = (more: Partial<SeenObject> = {}): SeenObject => ({
  key: 'k',
  size: 5,
  etag: 's',
  modified: now - 60 * minute,
  ...more,
});
const destination = (more: Partial<SeenObject> = {}): SeenObject =>
  source({ etag: 'd', modified: now - 30 * minute, ...more });
const entry = (status: LedgerEntry['status'], more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ...{ task: 't', key: 'k', status, updatedAt: now - 30 * minute, sourceEtag: 's', destinationEtag: 'd', size: 5 },
  ...more,
});
const older = destination({ modified: now - 90 * minute });
const idle: Activity = { running: false, upload: 'open', lastPart: 0 };
const long = now - stalledAfterMillis;

interface Case {
  readonly name: string;
  readonly kind: string | undefined;
  readonly source?: SeenObject;
  readonly destination?: SeenObject;
  readonly entry?: LedgerEntry;
  readonly activity?: Activity;
  readonly task?: object;
  readonly seen?: RegExp;
}

const md5 = '0cc175b9c0f1b6a831c399e269772661';

const cases: Case[] = [
  { name: 'neither side', kind: undefined },
  { name: 'neither side, although the ledger has a failure', entry: entry('FAILED'), kind: undefined },
  { name: 'an older destination', source: source(), destination: older, kind: 'different' },
  { name: 'equal ETags, whatever the times', source: source(), destination: { ...older, etag: 's' }, kind: undefined },
  {
    name: 'ETags that differ in case only',
    source: source({ etag: md5 }),
    destination: { ...older, etag: md5.toUpperCase() },
    kind: undefined,
  },
  {
    name: 'a newer destination, recorded with the same ETags in another case',
    source: source({ etag: md5.toUpperCase() }),
    destination: destination({ etag: `${md5}-2` }),
    entry: entry('DONE', { sourceEtag: md5, destinationEtag: `${md5}-2`.toUpperCase() }),
    kind: undefined,
  },
  { name: 'a newer destination of the same size', source: source(), destination: destination(), kind: undefined },
  {
    name: 'a missing destination',
    source: source(),
    kind: 'missing',
    seen: /^missing .* 5 bytes, ETag s.*does not know/,
  },
  {
    name: 'another size',
    source: source(),
    destination: destination({ size: 6 }),
    kind: 'different',
    seen: /^the size differs: source 5 bytes, .*destination 6 bytes/,
  },

  // A run would send a job, and the job would skip the object.
  {
    name: 'a copy of the same second that is proven',
    source: source(),
    destination: older,
    entry: entry('DONE'),
    kind: undefined,
  },
  { name: 'the same, found by a skip', source: source(), destination: older, entry: entry('SKIPPED'), kind: undefined },
  {
    name: 'a proof for another version',
    source: source({ etag: 'new' }),
    destination: older,
    entry: entry('DONE'),
    kind: 'different',
    seen: /DONE for an earlier version/,
  },
  {
    name: 'a proof for another size',
    source: source(),
    destination: { ...older, size: 6 },
    entry: entry('DONE'),
    kind: 'different',
  },

  // A run would skip the object, but the ledger proves that it differs.
  {
    name: 'a newer destination that is not the copy',
    source: source(),
    destination: destination({ etag: 'other' }),
    entry: entry('DONE'),
    kind: 'overwritten',
    seen: /had ETag d, the destination has .*ETag other.*a run would skip it/,
  },
  {
    name: 'a newer destination that is the copy of another version',
    source: source({ etag: 'new' }),
    destination: destination(),
    entry: entry('DONE'),
    kind: 'different',
    seen: /copy .* of another version, ETag s; .*a run would skip it/,
  },
  {
    name: 'a newer destination whose ETag the ledger does not know',
    source: source(),
    destination: destination({ etag: 'other' }),
    entry: { task: 't', key: 'k', status: 'DONE', sourceEtag: 's', updatedAt: now },
    kind: undefined,
  },
  {
    name: 'a newer destination, both sides changed since',
    source: source({ etag: 'new' }),
    destination: destination({ etag: 'other' }),
    entry: entry('DONE'),
    kind: undefined,
  },
  {
    name: 'a newer destination, where only the size counts',
    source: source(),
    destination: destination({ etag: 'other' }),
    entry: entry('DONE'),
    task: { compare: 'size' },
    kind: undefined,
  },
  {
    name: 'a newer destination that was completed, and the record of it was lost',
    source: source(),
    destination: destination(),
    entry: entry('STARTED'),
    kind: undefined,
  },
  {
    name: 'a failure that was cured',
    source: source(),
    destination: destination(),
    entry: entry('FAILED'),
    kind: undefined,
  },

  // What the ledger says of what differs.
  {
    name: 'a failure',
    source: source(),
    entry: entry('FAILED', { reason: 'AccessDenied: no', attempts: 5 }),
    kind: 'failed',
    seen: /^missing .*failed \(2026-11-01T23:30:00Z\) after 5 deliveries: AccessDenied: no$/,
  },
  {
    name: 'a failure without a reason',
    source: source(),
    entry: entry('FAILED'),
    kind: 'failed',
    seen: /no reason was given/,
  },
  {
    name: 'a failure of an object that is archived',
    source: source({ readable: false }),
    entry: entry('FAILED', { reason: 'ArchivedSource: x' }),
    kind: 'unreadable',
    seen: /archived/,
  },
  {
    name: 'an archived object that is the same',
    source: source({ readable: false }),
    destination: destination(),
    kind: undefined,
  },
  { name: 'a copy that was just started', source: source(), entry: entry('STARTED'), kind: 'in-progress' },
  {
    name: 'a copy without activity',
    source: source(),
    entry: entry('STARTED', { updatedAt: long }),
    activity: idle,
    kind: 'stalled',
    seen: /last activity 2026-11-01T22:00:00Z; no execution runs for this version, its upload is open$/,
  },
  {
    name: 'a copy whose parts arrive',
    source: source(),
    entry: entry('STARTED', { updatedAt: long }),
    activity: { ...idle, lastPart: long + 1 },
    kind: 'in-progress',
  },
  {
    name: 'a copy whose execution runs',
    source: source(),
    entry: entry('STARTED', { updatedAt: long - 100 * stalledAfterMillis }),
    activity: { ...idle, running: true },
    kind: 'in-progress',
    seen: /its execution runs/,
  },
  {
    name: 'an object whose execution runs, and has written nothing yet',
    source: source(),
    activity: { running: true, upload: 'none', lastPart: 0 },
    kind: 'in-progress',
    seen: /its execution runs, and has written nothing to the ledger$/,
  },
  {
    name: 'a failure whose execution runs again',
    source: source(),
    entry: entry('FAILED'),
    activity: { running: true, upload: 'none', lastPart: 0 },
    kind: 'in-progress',
    seen: /nothing to the ledger since FAILED .*$/,
  },
  {
    name: 'a large object without a running execution',
    source: source(),
    activity: { running: false, upload: 'none', lastPart: 0 },
    kind: 'missing',
  },
  {
    name: 'a copy of an earlier version whose upload is gone',
    source: source({ etag: 'new' }),
    destination: older,
    entry: entry('STARTED', { updatedAt: long }),
    activity: { ...idle, upload: 'gone' },
    kind: 'stalled',
    seen: /a copy of an earlier version was started.*its upload is gone/,
  },
  {
    name: 'a copy that was deleted there',
    source: source(),
    entry: entry('DONE'),
    kind: 'lost',
    seen: /this version was copied there/,
  },
  {
    name: 'a deleted copy of an earlier version',
    source: source({ etag: 'new' }),
    entry: entry('DONE'),
    kind: 'missing',
  },
  {
    name: 'a copy that was overwritten with another size',
    source: source(),
    destination: destination({ etag: 'other', size: 6 }),
    entry: entry('DONE'),
    kind: 'overwritten',
  },
  {
    name: 'an object that was created again',
    source: source(),
    entry: entry('DELETED'),
    kind: 'missing',
    seen: /DELETED/,
  },

  // Only at the destination.
  {
    name: 'an object that is kept at the destination',
    destination: destination(),
    entry: entry('DONE'),
    kind: 'extra-kept',
  },
  {
    name: 'an object that a run will delete',
    destination: destination(),
    task: { deletes: true },
    kind: 'extra',
    seen: /does not know/,
  },
  {
    name: 'an object that an event should have deleted',
    destination: destination(),
    entry: entry('DONE'),
    task: { events: 'create-delete' },
    kind: 'extra',
    seen: /it was copied .*deleted at the source/,
  },
  {
    name: 'an object deleted and written again',
    destination: destination(),
    entry: entry('DELETED'),
    task: { deletes: true },
    kind: 'extra',
    seen: /written again by another writer/,
  },
  {
    name: 'an object whose delete failed',
    destination: destination(),
    entry: entry('FAILED', { reason: 'AccessDenied: no' }),
    task: { deletes: true },
    kind: 'extra',
    seen: /failed .*AccessDenied: no/,
  },

  // Rules of the task.
  {
    name: 'another size, by size',
    source: source(),
    destination: destination({ size: 6 }),
    task: { compare: 'size' },
    kind: 'different',
  },
  {
    name: 'an older destination, by size',
    source: source(),
    destination: older,
    task: { compare: 'size' },
    kind: undefined,
  },
  {
    name: 'unknown checksums, by checksum',
    source: source(),
    destination: destination(),
    task: { compare: 'checksum' },
    kind: 'different',
    seen: /^the checksums differ, or one is not known/,
  },
  {
    name: 'equal checksums, by checksum',
    source: source({ checksum: { algorithm: 'CRC32', value: 'a' } }),
    destination: destination({ checksum: { algorithm: 'CRC32', value: 'a' } }),
    task: { compare: 'checksum' },
    kind: undefined,
  },
  {
    name: 'different checksums, by checksum',
    source: source({ checksum: { algorithm: 'CRC32', value: 'a' } }),
    destination: destination({ checksum: { algorithm: 'CRC32', value: 'b' } }),
    task: { compare: 'checksum' },
    kind: 'different',
  },
  {
    name: 'a newer destination, by none',
    source: source(),
    destination: destination(),
    task: { compare: 'none' },
    kind: undefined,
  },
  {
    name: 'an older destination, by none',
    source: source(),
    destination: older,
    task: { compare: 'none' },
    kind: 'different',
  },
];

describe('judgeObject', () => {
  it.each(cases)('judges $name as: $kind', ({ kind, seen, task: overlay, ...sides }) => {
    const state: ObjectState = { source: undefined, destination: undefined, entry: undefined, now, ...sides };
    const judgement = judgeObject(task(overlay), state);
    expect(judgement?.kind).toBe(kind);
    if (judgement) expect(Object.keys(findingKinds)).toContain(judgement.kind);
    if (seen) expect(judgement?.seen).toMatch(seen);
  });

  it('shows an invalid time as unknown', () => {
    const odd = {
      source: source({ modified: NaN }),
      destination: undefined,
      entry: entry('DELETED', { updatedAt: 1e300 }),
      now,
    };
    expect(judgeObject(task(), odd)?.seen).toMatch(/of an unknown time; .*\(an unknown time\)/);
  });
});
