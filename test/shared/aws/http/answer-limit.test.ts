import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AnswerLimit } from '../../../../shared/aws/http/answer-limit.ts';

const bounds = { min: 3_000, first: 30_000, max: 180_000 };
const times = (count: number, work: (index: number) => void): void => {
  for (let index = 0; index < count; index++) work(index);
};
/** A limit that has seen many answers that took about so long. */
function learned(milliseconds: number): AnswerLimit {
  const limit = new AnswerLimit(bounds);
  times(64, (index) => limit.answered(milliseconds * (0.8 + (index % 5) / 10)));
  return limit;
}

describe('AnswerLimit', () => {
  it('is what it is at first until five answers are known, and doubles too', () => {
    const limit = new AnswerLimit(bounds);
    times(4, () => limit.answered(20));
    expect([1, 2, 3, 4].map((attempt) => limit.current(attempt))).toEqual([30_000, 60_000, 120_000, 180_000]);
    limit.answered(20);
    expect(limit.current()).toBe(bounds.min);
  });

  it.each([
    ['fast', 20, bounds.min],
    ['rather fast', 600, bounds.min],
    ['slow', 5_000, 24_000],
    ['very slow', 100_000, bounds.max],
  ])('of a %s store', (_name, usual, expected) => {
    expect(learned(usual).current()).toBeCloseTo(expected, 0);
  });

  it('is not moved by a store of which a fifth of the requests hang', () => {
    const limit = learned(20);
    times(200, (index) => {
      if (index % 5 === 0) limit.expired(limit.current());
      // One in 25 hangs a second time.
      if (index % 25 === 0) limit.expired(limit.current(2), 2);
      limit.answered(20);
      expect(limit.current()).toBe(bounds.min);
    });
  });

  it('lets those through that take two minutes, one in ten, though all others take milliseconds', () => {
    const limit = learned(20);
    let cut = 0;
    times(200, (index) => {
      if (index % 10 > 0) limit.answered(20);
      else {
        // As many tries as the SDK makes.
        for (let attempt = 1; attempt <= 5; attempt++) {
          const allowed = limit.current(attempt);
          if (allowed >= 120_000) {
            limit.answered(120_000);
            return;
          }
          limit.expired(allowed, attempt);
        }
        cut++;
      }
    });
    expect(cut).toBeLessThanOrEqual(3);
    expect(limit.current()).toBe(bounds.max);
  });

  it('doubles with each expiry until an answer comes, and with each attempt', () => {
    const limit = learned(20);
    expect([1, 2, 3, 4, 5].map((attempt) => limit.current(attempt))).toEqual([3_000, 6_000, 12_000, 24_000, 48_000]);
    limit.expired(3_000);
    // The attempt that follows was counted already.
    expect([1, 2, 3].map((attempt) => limit.current(attempt))).toEqual([6_000, 6_000, 12_000]);
    limit.expired(6_000);
    expect(limit.current()).toBe(12_000);
    limit.answered(20);
    expect(limit.current()).toBe(bounds.min);
  });

  it('is longer for a body that was accepted slowly, up to its maximum', () => {
    const limit = learned(20);
    expect([0, 5_000, 300_000].map((took) => limit.current(1, took))).toEqual([3_000, 13_000, bounds.max]);
  });

  it('is fixed if its bounds are equal', () => {
    const limit = new AnswerLimit({ min: 600_000, first: 600_000, max: 600_000 });
    times(100, () => limit.answered(5));
    limit.expired(600_000);
    expect(limit.current(4)).toBe(600_000);
  });

  it('forgets a slow store after 64 fast answers', () => {
    const limit = learned(20_000);
    expect(limit.current()).toBeGreaterThan(60_000);
    times(64, () => limit.answered(20));
    expect(limit.current()).toBe(bounds.min);
  });

  const event = fc.record({ answered: fc.boolean(), milliseconds: fc.integer({ min: 0, max: 400_000 }) });

  it('stays within its bounds and never falls with the attempt, for any answers', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (events, attempt) => {
        const limit = new AnswerLimit(bounds);
        for (const { answered, milliseconds } of events) {
          if (answered) limit.answered(milliseconds);
          else limit.expired(milliseconds);
          const now = limit.current(attempt);
          expect(now).toBeGreaterThanOrEqual(bounds.min);
          expect(now).toBeLessThanOrEqual(bounds.max);
          expect(limit.current(attempt + 1)).toBeGreaterThanOrEqual(now);
        }
      }),
    );
  });

  it('caches the quantile that sorting again would give', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 10, maxLength: 200 }), (events) => {
        const asked = new AnswerLimit(bounds);
        const fresh = new AnswerLimit(bounds);
        for (const { answered, milliseconds } of events) {
          for (const limit of [asked, fresh]) {
            if (answered) limit.answered(milliseconds);
            else limit.expired(milliseconds);
          }
          asked.current();
        }
        expect(asked.current()).toBe(fresh.current());
      }),
    );
  });

  it('waits for a store that becomes slow as a whole after a few attempts, and then immediately', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 179_999 }), (before, after) => {
        const limit = learned(before);
        /** @returns tries that one request needs */
        const request = (): number => {
          for (let attempt = 1; ; attempt++) {
            const allowed = limit.current(attempt);
            if (after <= allowed) {
              limit.answered(after);
              return attempt;
            }
            limit.expired(allowed, attempt);
          }
        };
        // From 3 s, six doublings make three minutes.
        expect(request()).toBeLessThanOrEqual(7);
        times(20, request);
        expect(request()).toBe(1);
      }),
    );
  });
});
