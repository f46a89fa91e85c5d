import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { MiB } from '../../shared/model/limits.ts';
import { HostileStore, type Asked, type Reply } from '../support/hostile-store.ts';

/** Heap of the process that meets the store, MiB: a function of 512 MB has more. */
const heap = 160;

function* forever(piece: string): Generator<string> {
  for (;;) yield piece;
}

/** Documents, errors and objects without an end. */
function answer({ method, query, target }: Asked): Reply {
  if (method === 'HEAD') return { status: 404 };
  if (query.has('list-type')) return { body: forever('<Contents><Key>k</Key></Contents>'.repeat(1000)) };
  if (query.has('uploadId') && method === 'GET') return { body: forever('<Part>x</Part>'.repeat(5000)) };
  if (method === 'DELETE') return { status: 400, body: forever('<Message>'.repeat(5000)) };
  if (target.startsWith('/bucket/in/object') && !query.has('tagging')) {
    return {
      headers: { etag: '"e"', 'content-range': 'bytes 0-2/3', 'x-amz-tagging-count': '0' },
      body: forever('x'.repeat(65536)),
    };
  }
  return { body: forever(`<a>${'x'.repeat(60_000)}</a>`) };
}

it('endless answers and huge messages become faults within a small heap', async () => {
  const hostile = await HostileStore.open(answer);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      `--max-old-space-size=${heap}`,
      'test/security/memory-child.ts',
      hostile.endpoint,
    ]);
    const { faults, most } = JSON.parse(stdout) as { faults: Record<string, string>; most: number };
    const { delete: ofDelete, event, job, ...others } = faults;
    expect([event, job]).toEqual(['InvalidInput', 'InvalidInput']);
    expect(ofDelete).toBe('Refused');
    expect(new Set(Object.values(others))).toEqual(new Set(['Unavailable', 'Truncated']));
    // The heap's limit and what lies beside it: without limits on answers it is 2 GB at the first of them.
    expect(most).toBeLessThan(600 * MiB);
  } finally {
    await hostile.close();
  }
});
