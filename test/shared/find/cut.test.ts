import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cutRange } from '../../../shared/find/cut.ts';
import { KnownKeys, type Probe } from '../../../shared/find/known-keys.ts';
import { recut } from '../../../shared/find/recut.ts';
import type { FindRange, Segment } from '../../../shared/model/messages/payloads.ts';
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

/** How many ranges contain the key. */
function holders(ranges: readonly Segment[], key: string): number {
  return ranges.filter(
    ({ after, until }) =>
      (after === undefined || byBytes(key, after) > 0) && (until === undefined || byBytes(key, until) <= 0),
  ).length;
}

const keysArbitrary = fc.uniqueArray(
  fc.oneof(
    smallKeyArbitrary,
    smallKeyArbitrary.map((key) => `logs/2026/${key}`),
  ),
  { maxLength: 60 },
);

describe('cutRange', () => {
  it('puts every possible key of a range into exactly one piece, for any keys, ranges and limits', async () => {
    const limits = fc.record({ pieces: fc.integer({ min: 1, max: 12 }), probes: fc.integer({ min: 1, max: 40 }) });
    const size = fc.integer({ min: 1, max: 8 });
    const bounds = fc.option(fc.tuple(smallKeyArbitrary, smallKeyArbitrary));
    await fc.assert(
      fc.asyncProperty(keysArbitrary, size, limits, bounds, async (all, pageSize, limit, ends) => {
        const [after, until] = ends ? [...ends].sort(byBytes) : [];
        const range = { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
        const inside = all.filter((key) => holders([range], key) === 1).sort(byBytes);
        const { probe, calls } = probeOf(all, pageSize);
        const pieces = await cutRange(new KnownKeys(probe), { ...range, low: inside[0] ?? after ?? '' }, limit);
        // Looks go on at several places at once.
        expect(calls()).toBeLessThanOrEqual(limit.probes + limit.pieces);
        expect(pieces.length).toBeLessThanOrEqual(limit.pieces + 1);
        expect(inside.filter((key) => holders(pieces, key) !== 1)).toEqual([]);
        expect(pieces[0]?.after).toBe(after);
        expect(pieces.at(-1)?.until).toBe(until);
        for (const [index, piece] of pieces.entries())
          if (index > 0) expect(piece.after).toBe(pieces[index - 1]?.until);
      }),
      { numRuns: 400 },
    );
  });

  it('cuts keys with a common beginning where they differ', async () => {
    const keys = Array.from({ length: 5000 }, (_, index) => `data/year=2026/${String(index).padStart(6, '0')}`);
    const { probe, calls } = probeOf(keys, 10);
    const pieces = await cutRange(new KnownKeys(probe), { low: keys[0]! }, { pieces: 32, probes: 100 });
    // The keys are ASCII, which JavaScript orders as UTF-8 does.
    const counts = pieces.map(
      ({ after = '', until = '\u{10ffff}' }) => keys.filter((key) => key > after && key <= until).length,
    );
    expect(pieces.length).toBeGreaterThan(30);
    expect(Math.max(...counts)).toBeLessThanOrEqual(400);
    expect(calls()).toBeLessThan(90);
  });

  it('makes no key that is longer than a key may be', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => 'k'.repeat(1020) + String(index).padStart(4, '0'));
    const { probe } = probeOf(keys, 10);
    const pieces = await cutRange(new KnownKeys(probe), { low: keys[0]! }, { pieces: 8, probes: 50 });
    for (const { until = '' } of pieces) expect(Buffer.byteLength(until)).toBeLessThanOrEqual(1024);
  });
});

describe('recut', () => {
  const cut = (keys: readonly string[], range: FindRange, prefixes: readonly string[], ranges: number) =>
    recut(
      (_side, prefix) =>
        probeOf(
          keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
          5,
        ).probe,
      [{ range, side: 'source' }],
      prefixes,
      { ranges, probes: 200 },
    );

  it('leaves what a page has whole', async () => {
    expect(await cut(['a', 'b', 'c'], {}, [''], 40)).toEqual({ pieces: [[{}]], probes: 1 });
  });

  it('cuts many prefixes between them, without a look', async () => {
    const prefixes = Array.from({ length: 10_000 }, (_, index) => `customer-${String(index).padStart(5, '0')}/`);
    const { pieces, probes } = await cut([], {}, prefixes, 120);
    expect(probes).toBe(0);
    expect(pieces[0]).toHaveLength(120);
    const counts = pieces[0]!.map(
      (piece) => prefixes.filter((prefix) => prefix > (piece.after ?? '') && prefix <= (piece.until ?? '~')).length,
    );
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(83);
    expect(Math.max(...counts)).toBeLessThanOrEqual(84);
  });

  it('cuts a few prefixes within each, and keeps the place where the range stands', async () => {
    const keys = ['a/', 'b/'].flatMap((prefix) => Array.from({ length: 100 }, (_, index) => `${prefix}${100 + index}`));
    const cursor = { mode: 'merge', after: 'a/120', destinationAfter: 'a/110' } as const;
    const { pieces } = await cut(keys, { cursor }, ['a/', 'b/'], 8);
    expect(pieces[0]!.length).toBeGreaterThan(5);
    expect(pieces[0]![0]).toMatchObject({ cursor });
    expect(pieces[0]!.slice(1).every((piece) => !('cursor' in piece))).toBe(true);
    expect(keys.filter((key) => byBytes(key, 'a/120') > 0 && holders(pieces[0]!, key) !== 1)).toEqual([]);
  });

  it('leaves a search whole that looks up each key of a listing', async () => {
    const range: FindRange = { cursor: { mode: 'heads', listing: 'source', after: 'b' } };
    expect((await cut(['a', 'c', 'd', 'b'], range, [''], 8)).pieces).toEqual([[range]]);
  });
});
