import { expect, it } from '@jest/globals';
import { stalledAfterMillis, type Activity } from '../../../operations/audit/judge-object.ts';
import { judgeUpload } from '../../../operations/audit/judge-upload.ts';
import type { LedgerEntry } from '../../../shared/model/ledger-entry.ts';
import type { UploadOwner } from '../../../shared/transfer/upload/sweep-uploads.ts';

const day = 24 * 3600_000;
const now = Date.UTC(2026, 10, 20);
const named = (updatedAt: number): UploadOwner => {
  const entry: LedgerEntry = { task: 't', key: 'k', status: 'STARTED', updatedAt };
  return { kind: 'named', entry };
};
const idle: Activity = { running: false, upload: 'open', lastPart: 0 };

it.each<[string, UploadOwner, number, Activity | undefined, string, RegExp]>([
  [
    'foreign',
    { kind: 'foreign' },
    100 * day,
    undefined,
    'upload-foreign',
    /100 days ago\); the sweep will not take it/,
  ],
  [
    'announced just now',
    { kind: 'announced' },
    stalledAfterMillis - 1,
    undefined,
    'upload-in-use',
    /claimed by nobody/,
  ],
  [
    'announced',
    { kind: 'announced' },
    stalledAfterMillis,
    undefined,
    'upload-left',
    /takes it after 2026-11-26T22:00:00Z/,
  ],
  ['announced long ago', { kind: 'announced' }, 7 * day, undefined, 'upload-left', /the next daily sweep takes it/],
  ['named, and its object was just worked on', named(now - 60_000), day, idle, 'upload-in-use', /STARTED, last sign/],
  ['named and left', named(now - day), 2 * day, idle, 'upload-left', /takes it after 2026-11-26T00:00:00Z/],
  ['named and left for long', named(now - 8 * day), 9 * day, idle, 'upload-left', /the next daily sweep takes it/],
  ['named, parts come', named(now - day), day, { ...idle, lastPart: now - 1 }, 'upload-in-use', /2026-11-19T23:59:59Z/],
  [
    'named, its execution runs',
    named(now - day),
    day,
    { ...idle, running: true },
    'upload-in-use',
    /its execution runs/,
  ],
  ['named, of a store whose clock is ahead', named(now), -5000, idle, 'upload-in-use', /\(0 min ago\)/],
])('an upload that is %s', (_name, owner, age, activity, kind, seen) => {
  const judgement = judgeUpload({ key: 'k', uploadId: 'u', initiated: now - age }, owner, activity, now);
  expect(judgement).toEqual({ kind, seen: expect.stringMatching(seen) });
  expect(judgement.seen).toMatch(/^upload u, begun/);
});
