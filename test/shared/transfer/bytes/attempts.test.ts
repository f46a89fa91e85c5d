import { describe, expect, it } from '@jest/globals';
import { Fault, faultTable, type FaultName } from '../../../../shared/model/faults.ts';
import { noDeadline } from '../../../../shared/ports/clock.ts';
import { ManualClock } from '../../../../shared/ports/memory/clock.ts';
import { withAttempts } from '../../../../shared/transfer/bytes/attempts.ts';

const names = Object.keys(faultTable) as FaultName[];
const retried = ['Truncated', 'Unavailable', 'Throttled', 'VerificationFailed'];

describe('withAttempts', () => {
  it.each(names)('retries %s only if it is a fault of the wire', async (name) => {
    const reported: string[] = [];
    let calls = 0;
    const work = async (): Promise<never> => {
      calls++;
      throw new Fault(name, 'm');
    };
    const context = { clock: new ManualClock(), deadline: noDeadline };
    await expect(withAttempts(context, work, (fault) => reported.push(fault))).rejects.toMatchObject({ name });
    expect(calls).toBe(retried.includes(name) ? 4 : 1);
    expect(reported).toEqual(Array.from({ length: calls - 1 }, () => name));
  });

  it('returns the result of the first successful attempt', async () => {
    let calls = 0;
    const work = (): Promise<string> => (++calls < 3 ? Promise.reject(new Error('reset')) : Promise.resolve('good'));
    expect(await withAttempts({ clock: new ManualClock(), deadline: noDeadline }, work, () => undefined)).toBe('good');
  });

  it('does not retry if the delay would pass the deadline', async () => {
    const clock = new ManualClock();
    let calls = 0;
    const work = (): Promise<never> => (calls++, Promise.reject(new Fault('Throttled', 'm')));
    const deadline = { remaining: () => -1 };
    await expect(withAttempts({ clock, deadline }, work, () => undefined)).rejects.toMatchObject({ name: 'Throttled' });
    expect(calls).toBe(1);
  });
});
