import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noEnds } from '../../shared/model/run-ends.ts';
import type { RunCounters } from '../../shared/ports/run-counters.ts';

export interface RunCountersSubject {
  readonly counters: RunCounters;
  close(): Promise<void>;
}

/** The obligations of RunCounters (shared/ports/run-counters.ts). */
export function describeRunCounters(name: string, open: () => Promise<RunCountersSubject>): void {
  describe(`RunCounters: ${name}`, () => {
    let subject: RunCountersSubject;
    let counters: RunCounters;
    beforeAll(async () => {
      subject = await open();
      ({ counters } = subject);
    });
    afterAll(() => subject.close());

    it('has counted nothing of a run that it does not know', async () => {
      expect(await counters.read('t', 'unknown')).toEqual({ ends: noEnds, slowest: [] });
    });

    it('adds up every kind of end, and bytes, also what is taken back', async () => {
      const some = {
        put: 1,
        multipart: 2,
        'server-side copy': 3,
        skip: 4,
        delete: 5,
        failed: 6,
        cancelled: 7,
        bytes: 8,
      };
      await counters.add('t', 'sums', some);
      await counters.add('t', 'sums', { ...noEnds, put: 1, failed: -1, bytes: 5_000_000_000_000 });
      await counters.add('t', 'sums', noEnds);
      await counters.add('t', 'other', { ...noEnds, put: 100 });
      const { ends } = await counters.read('t', 'sums');
      expect(ends).toEqual({ ...some, put: 2, failed: 5, bytes: 5_000_000_000_008 });
    });

    it('adds up what callers add at the same time', async () => {
      await Promise.all(Array.from({ length: 50 }, () => counters.add('t', 'many', { ...noEnds, skip: 2 })));
      expect((await counters.read('t', 'many')).ends).toEqual({ ...noEnds, skip: 100 });
    });

    it('knows the slowest copy, in order', async () => {
      for (let index = 0; index < 40; index++) {
        const slow = { key: `k${index}`, tookMillis: (index * 17) % 40, bytes: index };
        await counters.add('t', 'slow', { ...noEnds, put: 1 }, slow);
      }
      const { slowest, ends } = await counters.read('t', 'slow');
      expect(ends.put).toBe(40);
      expect(slowest[0]).toEqual({ key: 'k7', tookMillis: 39, bytes: 7 });
      const times = slowest.map(({ tookMillis }) => tookMillis);
      expect(times).toEqual([...times].sort((a, b) => b - a));
      expect(times.length).toBeLessThanOrEqual(16);
    });
  });
}
