import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { forEachConcurrently } from '../../../shared/flow/concurrently.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('forEachConcurrently', () => {
  it('processes every item once, in order, and never more than the limit at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 5 }), async (turns, limit) => {
        let running = 0;
        let most = 0;
        const begun: number[] = [];
        await forEachConcurrently(turns.entries(), limit, async ([index, count]) => {
          begun.push(index);
          most = Math.max(most, ++running);
          for (let i = 0; i < count; i++) await turn();
          running--;
        });
        expect(begun).toEqual(turns.map((_, index) => index));
        expect(most).toBeLessThanOrEqual(limit);
        if (turns.every((count) => count > 0)) expect(most).toBe(Math.min(limit, turns.length));
        expect(running).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('starts nothing after the first error, and throws it once running work has ended', async () => {
    const ended: number[] = [];
    const begun: number[] = [];
    const work = forEachConcurrently([0, 1, 2, 3, 4, 5], 3, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('first');
      await turn();
      if (item === 2) throw new Error('second');
      ended.push(item);
    });
    await expect(work).rejects.toThrow('first');
    expect(begun).toEqual([0, 1]);
    expect(ended).toEqual([0]);
  });

  it('starts no item of a slow source after an error', async () => {
    const begun: number[] = [];
    async function* slow(): AsyncGenerator<number> {
      for (let item = 0; item < 5; item++) {
        await turn();
        yield item;
      }
    }
    const work = forEachConcurrently(slow(), 8, (item) => {
      begun.push(item);
      return Promise.reject(new Error('at once'));
    });
    await expect(work).rejects.toThrow('at once');
    expect(begun).toEqual([0]);
  });

  it('lets running work end when the source fails', async () => {
    const ended: number[] = [];
    function* failing(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
    const work = forEachConcurrently(failing(), 8, async (item) => {
      await turn();
      ended.push(item);
    });
    await expect(work).rejects.toThrow('no more');
    expect(ended).toEqual([1]);
  });

  it('throws what was thrown, even undefined', async () => {
    await expect(
      forEachConcurrently([1], 1, () => Promise.reject(undefined as unknown as Error)),
    ).rejects.toBeUndefined();
  });
});
