import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BufferPool, type PooledBuffer } from '../../../shared/flow/buffer-pool.ts';
import { MiB } from '../../../shared/model/limits.ts';

describe('BufferPool', () => {
  it('returns buffers of exactly the requested size', async () => {
    const pool = new BufferPool(8 * MiB);
    for (const size of [0, 1, 65_535, 65_536, MiB, MiB + 1, 3 * MiB]) {
      const buffer = await pool.acquire(size);
      expect(buffer.bytes.length).toBe(size);
      buffer.release();
    }
    expect(pool.used).toBe(0);
  });

  it('reuses released memory', async () => {
    const pool = new BufferPool(8 * MiB);
    const first = await pool.acquire(3 * MiB);
    first.release();
    const second = await pool.acquire(2.5 * MiB);
    expect(second.bytes.buffer).toBe(first.bytes.buffer);
  });

  it('takes the lowest free range that is long enough, and merges released ranges', async () => {
    const pool = new BufferPool(8 * MiB);
    const at = async (size: number): Promise<PooledBuffer> => pool.acquire(size);
    const [a, b, c] = [await at(MiB), await at(2 * MiB), await at(MiB)];
    expect([a, b, c].map(({ bytes }) => bytes.byteOffset)).toEqual([0, MiB, 3 * MiB]);
    b.release();
    const d = await at(3 * MiB);
    expect(d.bytes.byteOffset).toBe(4 * MiB);
    a.release();
    expect((await at(3 * MiB)).bytes.byteOffset).toBe(0);
    c.release();
    d.release();
    expect((await at(5 * MiB)).bytes.byteOffset).toBe(3 * MiB);
  });

  it('allocates nothing new, whatever sizes are requested in turn', async () => {
    const pool = new BufferPool(8 * MiB);
    (await pool.acquire(MiB)).release();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 50; round++) {
      for (const size of [MiB, 3 * MiB, 8 * MiB, 5 * MiB]) (await pool.acquire(size)).release();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MiB);
  });

  it('makes callers wait in order of arrival while the budget is in use', async () => {
    const pool = new BufferPool(4 * MiB);
    const held = await pool.acquire(3 * MiB);
    const order: string[] = [];
    const large = pool.acquire(4 * MiB).then((buffer) => (order.push('large'), buffer));
    // It would fit, but it arrived later: the large one must not starve.
    const small = pool.acquire(MiB).then((buffer) => (order.push('small'), buffer));
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    held.release();
    const got = await large;
    expect(order).toEqual(['large']);
    got.release();
    (await small).release();
    expect(order).toEqual(['large', 'small']);
  });

  it('serves a body over the whole budget alone', async () => {
    const pool = new BufferPool(2 * MiB);
    const held = await pool.acquire(MiB);
    let served = false;
    const large = pool.acquire(5 * MiB).then((buffer) => ((served = true), buffer));
    await new Promise((resolve) => setImmediate(resolve));
    expect(served).toBe(false);
    held.release();
    (await large).release();
    expect((await pool.acquire(MiB)).bytes.length).toBe(MiB);
  });

  it('throws on a second release', async () => {
    const buffer = await new BufferPool(MiB).acquire(MiB);
    buffer.release();
    expect(() => buffer.release()).toThrow('released twice');
  });

  it('never exceeds its budget, never hands out memory twice, and serves every caller', async () => {
    const budget = 16 * MiB;
    const sizes = fc.array(fc.integer({ min: 64 * 1024, max: 16 * MiB }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.infiniteStream(fc.nat()), async (wanted, choices) => {
        const pool = new BufferPool(budget);
        const held: PooledBuffer[] = [];
        const check = (buffer: PooledBuffer): void => {
          held.push(buffer);
          expect(pool.used).toBeLessThanOrEqual(budget);
          const ranges = held.map(({ bytes }) => ({ start: bytes.byteOffset, end: bytes.byteOffset + bytes.length }));
          ranges.sort((a, b) => a.start - b.start);
          ranges.slice(1).forEach(({ start }, index) => expect(start).toBeGreaterThanOrEqual(ranges[index]?.end ?? 0));
          expect(new Set(held.map(({ bytes }) => bytes.buffer)).size).toBe(1);
        };
        let served = 0;
        const all = wanted.map(async (size) => {
          check(await pool.acquire(size));
          served++;
        });
        while (served < wanted.length) {
          await new Promise((resolve) => setImmediate(resolve));
          const index = (choices.next().value ?? 0) % Math.max(1, held.length);
          held.splice(index, 1)[0]?.release();
        }
        await Promise.all(all);
        for (const buffer of held) buffer.release();
        expect(pool.used).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});
