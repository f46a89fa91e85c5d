import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { passBody } from '../../../../shared/flow/body.ts';
import { Fault } from '../../../../shared/model/faults.ts';
import { GiB, maxIdleRounds, maxObjectBytes, maxUploadDays, MiB } from '../../../../shared/model/limits.ts';
import { Line } from '../../../../shared/transfer/bytes/line.ts';
import { keepsLayout } from '../../../../shared/transfer/decide/keeps-layout.ts';
import { mayStartPart, neededSpeed } from '../../../../shared/transfer/decide/may-start-part.ts';
import { cutBatches, partOf, planParts } from '../../../../shared/transfer/plan-parts.ts';

/** Parts over lines of a given speed, in virtual time: what a call of 15 minutes ends. */

const callMillis = 895_000;
const partsAtOnce = 8;

interface Call {
  readonly ended: number;
  readonly cut: number;
  /** the most parts in flight */
  readonly width: number;
}

/** One call over a line that all its parts share; the same decisions as those of sendParts. */
async function call(partBytes: number, parts: number, bytesPerSecond: number): Promise<Call> {
  let now = 0;
  const context = {
    clock: { now: () => now, sleep: async () => undefined },
    deadline: { remaining: () => callMillis - now },
  };
  const line = new Line(context);
  const part = (number: number) =>
    partOf({ size: parts * partBytes, partSize: partBytes, partCount: parts, sourceLayout: false }, number);
  const left = new Map<number, number>();
  let [next, ended, width] = [1, 0, 0];
  const may = (): Promise<boolean | 'waits'> =>
    Promise.race([line.admits(part(next)), new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))]);
  let admission: Promise<boolean | 'waits'> | undefined;
  for (;;) {
    while (next <= parts && left.size < partsAtOnce && admission === undefined) {
      const admitted = await may();
      if (admitted !== true) {
        if (admitted === 'waits') admission = undefined;
        break;
      }
      line.start(part(next));
      left.set(next++, partBytes);
    }
    width = Math.max(width, left.size);
    if (left.size === 0) return { ended, cut: 0, width };
    // All parts share the line: the one with the least left ends first.
    const [number, least] = [...left].reduce((one, other) => (other[1] < one[1] ? other : one));
    const millis = ((least * left.size) / bytesPerSecond) * 1000;
    if (now + millis > callMillis) return { ended, cut: left.size, width };
    now += millis;
    for (const [other, bytes] of left) {
      line.moved(part(other), least);
      left.set(other, bytes - least);
    }
    left.delete(number);
    line.end(part(number), true);
    ended++;
  }
}
const megabits = 1e6 / 8;

describe('a call over a slow line', () => {
  it.each([
    // [part, Mbit/s, ends at least, cut]
    [5 * GiB, 100, 2, 0],
    [5 * GiB, 50, 1, 0],
    [5 * GiB, 1000, 18, 0],
    [2 * GiB, 100, 4, 0],
    [512 * MiB, 100, 18, 0],
    [64 * MiB, 10, 13, 0],
    [64 * MiB, 1.3, 2, 0],
    [16 * MiB, 1.3, 8, 0],
    [5 * MiB, 0.5, 8, 0],
  ])('ends parts of %i bytes at %i Mbit/s', async (partBytes, speed, atLeast, cut) => {
    const done = await call(partBytes, 200, speed * megabits);
    expect(done.ended).toBeGreaterThanOrEqual(atLeast);
    expect(done.cut).toBeLessThanOrEqual(cut);
  });

  it('uses most of the line', async () => {
    for (const [partBytes, speed] of [
      [5 * GiB, 100],
      [GiB, 100],
      [64 * MiB, 100],
      [16 * MiB, 500],
    ] as const) {
      const { ended } = await call(partBytes, 10_000, speed * megabits);
      expect((ended * partBytes) / ((callMillis / 1000) * speed * megabits)).toBeGreaterThan(0.88);
    }
  });

  it('sends parts of the usual sizes eight at once from the first moment', async () => {
    for (const partBytes of [5 * MiB, 16 * MiB]) {
      expect((await call(partBytes, 8, 600 * megabits)).width).toBe(partsAtOnce);
    }
    // Once the speed is known.
    expect((await call(64 * MiB, 50, 600 * megabits)).width).toBe(partsAtOnce);
    expect((await call(5 * GiB, 3, 100 * megabits)).width).toBe(1);
  });

  it('ends no part of 5 GiB below 48.3 Mbit/s, and says so', async () => {
    expect((await call(5 * GiB, 3, 47.9 * megabits)).ended).toBe(0);
    expect(neededSpeed(5 * GiB)).toBe('parts of 5120 MiB end within a call from 48.3 Mbit/s on');
    expect((await call(5 * GiB, 3, 48.3 * megabits)).ended).toBe(1);
  });
});

describe('an object of 48.8 TiB', () => {
  it('ends over 40 calls of 100 Mbit/s each, long before an upload is given up', async () => {
    const plan = planParts(maxObjectBytes, 16 * MiB);
    expect(plan).toMatchObject({ partCount: 10_000, partSize: 5 * GiB });
    const batches = cutBatches(plan, [[1, plan.partCount]], 512 * MiB);
    const perBatch = Math.ceil(plan.partCount / batches.length);
    let missing = plan.partCount;
    let [rounds, seconds] = [0, 0];
    while (missing > 0 && rounds < 1_500) {
      const { ended } = await call(plan.partSize, perBatch, 100 * megabits);
      const open = Math.min(batches.length, missing);
      expect(ended).toBeGreaterThan(0);
      missing = Math.max(0, missing - open * ended);
      // 40 calls at a time, and a minute between two rounds.
      seconds += Math.ceil(open / 40) * (callMillis / 1000) + 60;
      rounds++;
    }
    expect(missing).toBe(0);
    expect(rounds).toBeLessThanOrEqual(10);
    expect(seconds / 86_400).toBeLessThan(2);
    expect(seconds / 86_400).toBeLessThan(maxUploadDays);
    expect(maxIdleRounds).toBeGreaterThan(1);
  });
});

it.each([
  ['of a usual size', 512 * MiB, 'relay', true, true],
  ['that are large, and proven by a checksum of the whole', 513 * MiB, 'relay', true, false],
  ['that are large, and proven by their MD5s alone', 5 * GiB, 'relay', false, true],
  ['that the store copies', 5 * GiB, 'server-side copy', true, true],
] as const)("a source's parts %s", (_, partBytes, method, proven, kept) => {
  expect(keepsLayout(partBytes, { method, proven })).toBe(kept);
});

describe('the decision', () => {
  const line = { running: 0, inFlightBytes: 0, bytesPerSecond: undefined, remainingMillis: 895_000 };

  it('starts a first part of any size, unless the call is about to end', () => {
    expect(mayStartPart(5 * GiB, line)).toBe(true);
    expect(mayStartPart(1, { ...line, remainingMillis: 59_999 })).toBe(false);
  });

  it('starts no part that cannot end in time at the speed that was seen', () => {
    expect(mayStartPart(GiB, { ...line, bytesPerSecond: GiB / 800 })).toBe(true);
    expect(mayStartPart(GiB, { ...line, bytesPerSecond: GiB / 870 })).toBe(false);
  });

  it('lets the parts of a worker end every quarter of an hour, so that its job is not taken for stuck', () => {
    const hours = { ...line, remainingMillis: 11 * 3_600_000, bytesPerSecond: 100 * megabits };
    expect(mayStartPart(5 * GiB, { ...hours, running: 1, inFlightBytes: 5 * GiB })).toBe(true);
    expect(mayStartPart(5 * GiB, { ...hours, running: 2, inFlightBytes: 10 * GiB })).toBe(false);
    // A single part may take longer.
    expect(mayStartPart(5 * GiB, { ...hours, bytesPerSecond: 12 * megabits })).toBe(true);
  });
});

it('a body that streams ends with the fault of the one who looks at it', async () => {
  const body = passBody(Readable.from([Buffer.alloc(10), Buffer.alloc(10)]), 20, 'part 1', () => {
    throw new Fault('OutOfTime', 'time ran out');
  });
  await expect(body.toArray()).rejects.toMatchObject({ name: 'OutOfTime' });
});
