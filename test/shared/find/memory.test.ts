import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { findSegment, type FindContext } from '../../../shared/find/find-segment.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import type { ListedObject } from '../../../shared/model/object.ts';
import { noDeadline } from '../../../shared/ports/clock.ts';
import { ManualClock } from '../../../shared/ports/memory/clock.ts';
import { MemoryObjectStore } from '../../../shared/ports/memory/object-store.ts';
import { MemoryStorage } from '../../../shared/ports/memory/storage.ts';
import { MemoryWorld } from '../../support/memory-world.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const keys = 1_000_000;
const MB = 1024 ** 2;

/** A store that generates its listing on demand. @param missing every how many keys one is left out */
function synthetic(missing: number, watch: (listed: number) => void): MemoryObjectStore {
  const store = Object.create(new MemoryObjectStore(new MemoryStorage(), 'b')) as MemoryObjectStore;
  store.list = async function* () {
    for (let from = 0; from < keys; from += 1000) {
      const page: ListedObject[] = [];
      for (let number = from; number < from + 1000; number++) {
        const key = `a/fairly/long/prefix/as/they/are/${String(number).padStart(10, '0')}`;
        if (number % missing !== 0)
          page.push({ key: objectKey(key), size: number, etag: `etag-of-${number}`, modified: 0 });
      }
      await new Promise((resolve) => setImmediate(resolve));
      watch(from);
      yield page;
    }
  };
  return store;
}

describe('the memory of findSegment', () => {
  it('does not grow with the listing, for a million keys on each side', async () => {
    const heap: number[] = [];
    const measure = (listed: number): void => {
      if (listed !== keys * 0.1 && listed !== keys * 0.9) return;
      collectGarbage();
      heap.push(process.memoryUsage().heapUsed);
    };
    let sent = 0;
    const context: FindContext = {
      task: new MemoryWorld().task,
      source: synthetic(1_000_003, measure),
      destination: synthetic(10, () => undefined),
      queue: { send: async (jobs) => void (sent += jobs.length) },
      clock: new ManualClock(),
      deadline: noDeadline,
      margin: 0,
    };
    const state = { task: 'test', run: 'r', dryRun: false, prefix: '', prefixList: {}, segment: {} };
    const end = await findSegment(context, state);
    expect(end).toMatchObject({ done: true, counts: { listed: keys - 1, listedAtDestination: keys - keys / 10 } });
    // Number 0 is on neither side.
    expect(sent).toBe(keys / 10 - 1);
    expect(heap).toHaveLength(2);
    expect(heap[1]! - heap[0]!).toBeLessThan(2 * MB);
  });
});
