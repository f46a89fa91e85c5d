import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  GiB,
  maxObjectBytes,
  maxParts,
  maxPartBytes,
  MiB,
  minPartBytes,
  uploadBatchBytes,
} from '../../../shared/model/limits.ts';
import type { PartPlan, StoredPart } from '../../../shared/model/part-plan.ts';
import {
  countParts,
  cutBatches,
  missingParts,
  partOf,
  partsIn,
  plannedParts,
  planParts,
  planSourceLayout,
} from '../../../shared/transfer/plan-parts.ts';

/** Checks that every byte is in one part, in order, and that every part but the last has the planned size. */
function expectWhole(plan: PartPlan): void {
  let end = 0;
  for (const part of partsIn(plan, [[1, plan.partCount]])) {
    const size = part.number < plan.partCount ? plan.partSize : plan.size - end;
    if (part.start !== end || size <= 0 || part.end - part.start !== size)
      throw new Error(JSON.stringify({ plan, part }));
    end = part.end;
  }
  expect(end).toBe(plan.size);
}

const etag = (parts: number): string => `${'a'.repeat(32)}-${parts}`;

describe('planParts', () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 100 * MiB }), fc.integer({ min: 1, max: maxObjectBytes }));
  const preferred = fc.integer({ min: minPartBytes, max: maxPartBytes });

  it('respects the limits of S3 for every object size and part size', () => {
    fc.assert(
      fc.property(sizes, preferred, (size, wanted) => {
        const plan = planParts(size, wanted);
        expect(plan.partCount).toBeGreaterThanOrEqual(1);
        expect(plan.partCount).toBeLessThanOrEqual(maxParts);
        expect(plan.partSize).toBeGreaterThanOrEqual(minPartBytes);
        expect(plan.partSize).toBeLessThanOrEqual(maxPartBytes);
        expect((plan.partCount - 1) * plan.partSize).toBeLessThan(size);
        expect(plan.partCount * plan.partSize).toBeGreaterThanOrEqual(size);
        if (size <= wanted * maxParts) expect(plan.partSize).toBe(wanted);
        expect(plan.sourceLayout).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('covers every byte once, around multiples of the part size and at the largest object', () => {
    for (const parts of [1, 2, 3, 9_999, 10_000]) {
      for (const off of [-1, 0, 1]) expectWhole(planParts(parts * minPartBytes + off, minPartBytes));
    }
    expect(planParts(maxObjectBytes, minPartBytes)).toMatchObject({ partSize: maxPartBytes, partCount: maxParts });
    expect(() => planParts(maxObjectBytes + 1, minPartBytes)).toThrow(expect.objectContaining({ name: 'TooLarge' }));
  });
});

describe('planSourceLayout', () => {
  it('finds the layout of every object with equal parts', () => {
    for (let size = 1; size <= 40; size++) {
      for (let partSize = 1; partSize <= 12; partSize++) {
        // One unit is the smallest part: the arithmetic is that of bytes, and no part is too small.
        const bytes = size * minPartBytes;
        const first = Math.min(partSize * minPartBytes, bytes);
        const count = Math.ceil(size / partSize);
        const plan = planSourceLayout(bytes, etag(count), first);
        expect(plan).toEqual({ size: bytes, partSize: first, partCount: count, sourceLayout: true });
        expectWhole(plan!);
        for (const wrong of [count - 1, count + 1]) {
          if (wrong > 0 && Math.ceil(bytes / first) !== wrong) {
            expect(planSourceLayout(bytes, etag(wrong), first)).toBeUndefined();
          }
        }
      }
    }
  });

  it.each([
    ['an ETag without a part count', 10 * MiB, 'a'.repeat(32), 5 * MiB],
    ['no size for the first part', 10 * MiB, etag(2), undefined],
    ['parts that are too small', 10, etag(2), 5],
    ['parts that are too large', 12 * GiB, etag(2), 6 * GiB],
    ['too many parts', 10_001 * 5 * MiB, etag(10_001), 5 * MiB],
    ['an empty object', 0, etag(1), 0],
    ['a first part that cannot be as long as the second', 20 * MiB, etag(2), 6 * MiB],
  ])('returns undefined for %s', (_name, size, tag, first) => {
    expect(planSourceLayout(size, tag, first)).toBeUndefined();
  });

  it('accepts a single part below the minimum size', () => {
    expect(planSourceLayout(7, etag(1), 7)).toEqual({ size: 7, partSize: 7, partCount: 1, sourceLayout: true });
  });
});

const plans = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: minPartBytes - 1 }))
  .map(([parts, rest]) => planParts(parts * minPartBytes - rest, minPartBytes));

/** Parts that a listing might show: planned ones, and others of a wrong size or number. */
function storedOf(plan: PartPlan, choices: readonly number[]): StoredPart[] {
  return choices.flatMap((choice, index): StoredPart[] => {
    const number = index + 1;
    const { start, end } = partOf(plan, number);
    const size = choice === 2 ? end - start + 1 : end - start;
    return choice === 0 ? [] : [{ number, size, etag: 'e' }];
  });
}

describe('missingParts and cutBatches', () => {
  const choices = fc.array(fc.constantFrom(0, 1, 2), { maxLength: 320 });

  it('returns the planned parts that are not stored, in the longest ranges', () => {
    fc.assert(
      fc.property(plans, choices, (plan, chosen) => {
        const stored = storedOf(plan, chosen);
        const there = plannedParts(plan, stored).map(({ number }) => number);
        const missing = missingParts(plan, stored);
        const numbers = [...partsIn(plan, missing)].map(({ number }) => number);
        expect([...there, ...numbers].sort((a, b) => a - b)).toEqual(
          Array.from({ length: plan.partCount }, (_, index) => index + 1),
        );
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(countParts(missing)).toBe(numbers.length);
        for (const [index, [first, last]] of missing.entries()) {
          expect(first).toBeLessThanOrEqual(last);
          // Adjacent ranges are merged.
          if (index > 0) expect(first).toBeGreaterThan((missing[index - 1]?.[1] ?? 0) + 1);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('puts each missing part into one batch, of about 512 MiB, at most 1,000 of them', () => {
    const anyPlan = fc
      .tuple(fc.integer({ min: 1, max: maxParts }), fc.integer({ min: minPartBytes, max: maxPartBytes }))
      .map(([partCount, partSize]) => ({ size: partCount * partSize, partSize, partCount, sourceLayout: false }));
    fc.assert(
      fc.property(anyPlan, fc.integer({ min: 1, max: 7 }), (plan, step) => {
        const stored = Array.from({ length: Math.floor(plan.partCount / step) }, (_, index) => ({
          number: (index + 1) * step,
          size: plan.partSize,
          etag: 'e',
        }));
        const missing = missingParts(plan, step === 1 ? [] : stored);
        const batches = cutBatches(plan, missing, uploadBatchBytes);
        const flat = batches.flatMap(({ parts }) => [...partsIn(plan, parts)].map(({ number }) => number));
        expect(flat).toEqual([...partsIn(plan, missing)].map(({ number }) => number));
        expect(batches.length).toBeLessThanOrEqual(1000);
        const most = Math.max(1, Math.floor((512 * MiB) / plan.partSize), Math.ceil(flat.length / 1000));
        for (const { parts } of batches) {
          expect(countParts(parts)).toBeGreaterThan(0);
          expect(countParts(parts)).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('keeps the batches within a payload if every other part is missing', () => {
    const plan = planParts(10_000 * minPartBytes, minPartBytes);
    const stored = storedOf(
      plan,
      Array.from({ length: 10_000 }, (_, index) => index % 2),
    );
    expect(JSON.stringify(cutBatches(plan, missingParts(plan, stored), uploadBatchBytes)).length).toBeLessThan(
      200 * 1024,
    );
  });
});
