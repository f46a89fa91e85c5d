import { describe, expect, it } from '@jest/globals';
import { stalledAfterMillis, type Activity } from '../../../operations/audit/judge-object.ts';
import { judgeUpload } from '../../../operations/audit/judge-upload.ts';
import type { LedgerEntry } from '../../../shared/model/ledger-entry.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { UploadOwner } from '../../../shared/transfer/upload/sweep-uploads.ts';

const day = 24 * 3600_000;
const now = Date.UTC(2026, 10, 20);
const named = (updatedAt: number): UploadOwner => {
  const entry: LedgerEntry = { task: 't', key: 'k', status: 'STARTED', updatedAt };
  return { kind: 'named', entry };
};
const idle: Activity = { running: false, upload: 'open', lastPart: 0 };

interface Case {
  readonly what: string;
  readonly owner: UploadOwner;
  readonly ageMillis: number;
  readonly activity?: Activity;
  readonly kind: string;
  readonly seen: RegExp;
}

const announced: UploadOwner = { kind: 'announced' };
const cases: Case[] = [
  {
    what: 'a foreign upload',
    owner: { kind: 'foreign' },
    ageMillis: 100 * day,
    kind: 'upload-foreign',
    seen: /100 days ago\); the sweep will not abort it/,
  },
  {
    what: 'an upload announced just now',
    owner: announced,
    ageMillis: stalledAfterMillis - 1,
    kind: 'upload-in-use',
    seen: /no execution claimed it/,
  },
  {
    what: 'an announced upload',
    owner: announced,
    ageMillis: stalledAfterMillis,
    kind: 'upload-left',
    seen: /aborts it after 2026-11-26T22:00:00Z/,
  },
  {
    what: 'an upload announced long ago',
    owner: announced,
    ageMillis: 7 * day,
    kind: 'upload-left',
    seen: /the next daily sweep aborts it/,
  },
  {
    what: 'a named upload with a recent ledger entry',
    owner: named(now - 60_000),
    ageMillis: day,
    activity: idle,
    kind: 'upload-in-use',
    seen: /STARTED, last activity/,
  },
  {
    what: 'a named upload without activity',
    owner: named(now - day),
    ageMillis: 2 * day,
    activity: idle,
    kind: 'upload-left',
    seen: /aborts it after 2026-11-26T00:00:00Z/,
  },
  {
    what: 'a named upload without activity for a week',
    owner: named(now - 8 * day),
    ageMillis: 9 * day,
    activity: idle,
    kind: 'upload-left',
    seen: /the next daily sweep aborts it/,
  },
  {
    what: 'a named upload whose parts arrive',
    owner: named(now - day),
    ageMillis: day,
    activity: { ...idle, lastPart: now - 1 },
    kind: 'upload-in-use',
    seen: /2026-11-19T23:59:59Z/,
  },
  {
    what: 'a named upload whose execution runs',
    owner: named(now - day),
    ageMillis: day,
    activity: { ...idle, running: true },
    kind: 'upload-in-use',
    seen: /its execution runs/,
  },
  {
    what: 'a named upload in a store whose clock is ahead',
    owner: named(now),
    ageMillis: -5000,
    activity: idle,
    kind: 'upload-in-use',
    seen: /\(0 min ago\)/,
  },
];

describe('judgeUpload', () => {
  it.each(cases)('calls $what $kind', ({ owner, ageMillis, activity, kind, seen }) => {
    const judgement = judgeUpload(
      { key: objectKey('k'), uploadId: 'u', initiated: now - ageMillis },
      owner,
      activity,
      now,
    );
    expect(judgement).toEqual({ kind, seen: expect.stringMatching(seen) });
    expect(judgement.seen).toMatch(/^upload u, started/);
  });
});
