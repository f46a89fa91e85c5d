import { expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { usageOf } from '../../trials/support/processes.ts';
import { everything, Meter, type Trend } from '../../trials/soak/meter.ts';
import { growing } from '../../trials/soak/verdict.ts';

/** The measurements of the soak, and its verdict. */

const MiB = 1024 ** 2;

function trend(process: string, first: Partial<Trend['first']>, last: Partial<Trend['last']>): Trend {
  const usage = { resident: 200 * MiB, files: 50, sockets: 30 };
  const [from, to] = [
    { ...usage, ...first },
    { ...usage, ...last },
  ];
  return { process, first: from, last: to, most: to, samples: 100 };
}

test('growing() reports memory, sockets and files that grew by more than a tenth, with their process', () => {
  const flat = trend('a', {}, { resident: 219 * MiB, files: 55, sockets: 37 });
  expect(growing([flat, trend('b', {}, { resident: 100 * MiB, files: 10, sockets: 0 })])).toEqual([]);
  const grown = trend('c', {}, { resident: 230 * MiB, files: 70, sockets: 45 });
  expect(growing([flat, grown])).toEqual([
    'c: memory grew by 15.0 %',
    'c: sockets grew from 30 to 45',
    'c: files grew from 50 to 70',
  ]);
  // A tenth of a small process is a single buffer; of all together it is not.
  const few = [{ resident: 40 * MiB }, { resident: 46 * MiB }] as const;
  expect(growing([trend('d', ...few)])).toEqual([]);
  expect(growing([trend(everything, ...few)])).toEqual([`${everything}: memory grew by 15.0 %`]);
});

test('usageOf and Meter report what a process and its tree use', async () => {
  const before = usageOf(process.pid)!;
  expect(before.resident).toBeGreaterThan(20 * MiB);
  const servers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const server = createServer();
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      return server;
    }),
  );
  const during = usageOf(process.pid)!;
  expect(during.sockets - before.sockets).toBe(5);
  expect(during.files - before.files).toBeGreaterThanOrEqual(5);
  const meter = new Meter(process.pid, 'this one');
  const seen = meter.look();
  expect(seen.get('this one')?.sockets).toBeGreaterThanOrEqual(5);
  expect(seen.get(everything)?.resident).toBeGreaterThanOrEqual(seen.get('this one')?.resident ?? 0);
  expect(meter.trends(0).map((one) => one.process)).toContain('this one');
  for (const server of servers) server.close();
  expect(usageOf(2 ** 22 + 1)).toBeUndefined();
});
