import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareKeys } from '../../../shared/find/order.ts';
import { cutKeys, segmentsBetween, type Probe } from '../../../shared/find/segments.ts';
import type { Segment } from '../../../shared/model/messages/payloads.ts';
import { byBytes, smallKeyArbitrary } from '../../support/keys.ts';

/** A store of these keys that lists `pageSize` at a time. */
function probeOf(keys: readonly string[], pageSize: number): { probe: Probe; calls: () => number } {
  const sorted = [...keys].sort(byBytes).map((key) => ({ key, bytes: Buffer.from(key) }));
  let calls = 0;
  const probe: Probe = async (after) => {
    calls++;
    const bound = Buffer.from(after ?? '');
    const left = after === undefined ? sorted : sorted.filter(({ bytes }) => Buffer.compare(bytes, bound) > 0);
    return { first: left.slice(0, pageSize).map(({ key }) => key), more: left.length > pageSize };
  };
  return { probe, calls: () => calls };
}

/** How many segments contain the key. */
function holders(segments: readonly Segment[], key: string): number {
  return segments.filter(
    ({ after, until }) =>
      (after === undefined || byBytes(key, after) > 0) && (until === undefined || byBytes(key, until) <= 0),
  ).length;
}

const cutSegments = async (...args: Parameters<typeof cutKeys>): Promise<Segment[]> =>
  segmentsBetween(await cutKeys(...args));

describe('cutKeys and segmentsBetween', () => {
  it('puts every possible key into exactly one segment, for any keys and limits', async () => {
    const keys = fc.uniqueArray(
      fc.oneof(
        smallKeyArbitrary,
        smallKeyArbitrary.map((key) => `logs/2026/${key}`),
      ),
      { maxLength: 60 },
    );
    const limits = fc.record({
      maxSegments: fc.integer({ min: 1, max: 12 }),
      maxProbes: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.integer({ min: 1, max: 8 }),
        limits,
        smallKeyArbitrary,
        async (all, size, limit, other) => {
          const { probe, calls } = probeOf(all, size);
          const segments = await cutSegments(probe, limit);
          expect(calls()).toBeLessThanOrEqual(limit.maxProbes);
          expect(segments.length).toBeLessThanOrEqual(limit.maxSegments);
          expect([...all, other].filter((key) => holders(segments, key) !== 1)).toEqual([]);
          expect(segments[0]).not.toHaveProperty('after');
          expect(segments.at(-1)).not.toHaveProperty('until');
          for (const [index, { after }] of segments.entries()) {
            if (index === 0) continue;
            expect(after).toBe(segments[index - 1]?.until);
            expect(compareKeys(segments[index - 1]?.after ?? '', after ?? '')).toBeLessThan(0);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('leaves a key space of one page whole, with one call', async () => {
    const { probe, calls } = probeOf(['a', 'b', 'c'], 3);
    expect(await cutSegments(probe, { maxSegments: 64, maxProbes: 256 })).toEqual([{}]);
    expect(calls()).toBe(1);
  });

  it('cuts keys with a common prefix where they differ, into many segments of similar size', async () => {
    const keys = Array.from({ length: 5000 }, (_, index) => `data/year=2026/${String(index).padStart(6, '0')}`);
    const { probe } = probeOf(keys, 100);
    const segments = await cutSegments(probe, { maxSegments: 64, maxProbes: 256 });
    // The keys are ASCII, which JavaScript orders as UTF-8 does.
    const counts = segments.map(
      ({ after = '', until = '\u{10ffff}' }) => keys.filter((key) => key > after && key <= until).length,
    );
    expect(segments.length).toBeGreaterThan(10);
    expect(Math.max(...counts)).toBeLessThanOrEqual(1000);
  });
});
