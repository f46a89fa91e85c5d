import { describe, expect, it } from '@jest/globals';
import { asFault, assertNever, Fault, faultTable, isFault, type FaultName } from '../../../shared/model/faults.ts';

describe('faults', () => {
  it.each(Object.keys(faultTable) as FaultName[])('%s has its name and its retry rule', (name) => {
    const fault = new Fault(name, 'm');
    expect({ name: fault.name, rule: fault.retry }).toEqual({ name, rule: faultTable[name].retry });
    expect(isFault(fault, name)).toBe(true);
    expect(asFault(fault)).toBe(fault);
    expect(fault).toBeInstanceOf(Error);
  });

  it.each(Object.keys(faultTable) as FaultName[])(
    '%s exits with 2 if what the user wrote is wrong, with 1 otherwise',
    (name) => {
      const wronglyWritten: FaultName[] = ['InvalidInput', 'InvalidTask', 'UnknownTask'];
      expect(new Fault(name, 'm').exitCode).toBe(wronglyWritten.includes(name) ? 2 : 1);
    },
  );

  it('asFault makes any other error Unavailable, with its message', () => {
    expect(asFault(new TypeError('x is no function'))).toMatchObject({
      name: 'Unavailable',
      message: 'unexpected error: TypeError: x is no function',
    });
    expect(asFault('text').message).toBe('unexpected error: text');
    expect(isFault(new Error('m'))).toBe(false);
  });

  it('assertNever names the unexpected value', () => {
    expect(() => assertNever('odd' as never)).toThrow('unexpected value: "odd"');
  });
});
