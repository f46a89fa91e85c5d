import type { Fault, RequestInfo } from '../../emulator/s3/index.ts';
import { KiB } from '../../shared/model/limits.ts';
import type { Random } from '../../test/support/random.ts';

type Operation = RequestInfo['operation'];

/** A fault of requests to a store. */
export interface StoreFault {
  readonly name: string;
  /** the requests it can happen to; default: all */
  readonly operations?: readonly Operation[];
  readonly fault: (random: Random) => Fault;
  /** milliseconds by which the store's clock is ahead of the client's; requests are then refused by the store itself */
  readonly clockAhead?: number;
}

const lost = (): Fault => ({ kind: 'lose-answer' });
const never = (): Fault => {
  throw new Error('this fault happens to no request');
};
const writes: readonly Operation[] = ['PutObject', 'UploadPart'];
const somewhere = (random: Random): number => random.below(64 * KiB);
const status = (name: string, code: number, error: string, operations?: readonly Operation[]): StoreFault => ({
  name,
  ...(operations && { operations }),
  fault: () => ({ kind: 'status', status: code, code: error }),
});

/** Every fault that the emulated store can inject into a request. */
export const storeFaults: readonly StoreFault[] = [
  status('503 SlowDown', 503, 'SlowDown'),
  status('500 InternalError', 500, 'InternalError'),
  status('400 RequestTimeout', 400, 'RequestTimeout', writes),
  status('409 on Complete', 409, 'ConditionalRequestConflict', ['CompleteMultipartUpload']),
  status('412 on a read', 412, 'PreconditionFailed', ['GetObject']),
  status('404 NoSuchUpload', 404, 'NoSuchUpload', ['UploadPart', 'CompleteMultipartUpload', 'ListParts']),
  status('200 with an error on Complete', 200, 'InternalError', ['CompleteMultipartUpload']),
  status('200 with an error on CopyObject', 200, 'InternalError', ['CopyObject']),
  status('200 with an error on UploadPartCopy', 200, 'InternalError', ['UploadPartCopy']),
  status('expired credentials', 400, 'ExpiredToken'),
  ...[20, -20].map((minutes) => ({
    name: `clock ${Math.abs(minutes)} minutes ${minutes > 0 ? 'slow' : 'fast'}`,
    operations: [],
    fault: never,
    clockAhead: minutes * 60_000,
  })),
  { name: 'reset before the body', fault: () => ({ kind: 'reset' }) },
  {
    name: 'reset in the body',
    operations: writes,
    fault: (random) => ({ kind: 'reset-body', afterBytes: somewhere(random) }),
  },
  { name: 'lost answer', fault: lost },
  { name: 'lost answer to PUT', operations: ['PutObject'], fault: lost },
  { name: 'lost answer to Complete', operations: ['CompleteMultipartUpload'], fault: lost },
  {
    name: 'truncated body',
    operations: ['GetObject'],
    fault: (random) => ({ kind: 'truncate', afterBytes: somewhere(random) }),
  },
  {
    name: 'body that stalls, then breaks off',
    operations: ['GetObject'],
    fault: (random) => ({ kind: 'truncate', afterBytes: somewhere(random), stallMillis: 300 }),
  },
  {
    name: 'damaged bit on the way in',
    operations: ['GetObject'],
    fault: (random) => ({ kind: 'corrupt-answer', atByte: somewhere(random) }),
  },
  {
    name: 'damaged bit on the way out',
    operations: writes,
    fault: (random) => ({ kind: 'corrupt-body', atByte: somewhere(random) }),
  },
  { name: 'late answer', fault: () => ({ kind: 'delay', milliseconds: 50 }) },
  {
    name: 'trickle',
    operations: ['GetObject'],
    fault: () => ({ kind: 'trickle', bytesPerSecond: 2_000_000 }),
  },
  {
    name: 'trickle on the way out',
    operations: writes,
    fault: () => ({ kind: 'trickle-body', bytesPerSecond: 2_000_000 }),
  },
  {
    // Not for Complete, whose answer the client waits for ten minutes.
    name: 'answer that never comes',
    operations: ['GetObject', ...writes],
    fault: () => ({ kind: 'no-answer' }),
  },
  {
    name: 'body that is not read to its end',
    operations: writes,
    fault: (random) => ({ kind: 'stall-body', afterBytes: somewhere(random) }),
  },
];
