import { describe, expect, it } from '@jest/globals';
import { EmulatorError } from '../../emulator/aws/index.ts';
import { emulatorFault } from '../../local/run/emulator-fault.ts';
import { Fault } from '../../shared/model/faults.ts';

describe('emulatorFault', () => {
  it.each([
    [
      'an invalid option',
      new EmulatorError('InvalidInput', 'port 4566 of 127.0.0.1 is in use'),
      'InvalidInput',
      'port 4566 of 127.0.0.1 is in use',
    ],
    ['an unsupported resource', new EmulatorError('NotSupported', 'Stack: Api'), 'NotSupported', 'Stack: Api'],
    [
      'a custom resource whose reason names a fault',
      new EmulatorError('ResourceFailed', 'N: BucketNotFound: no bucket "b"', {
        reason: 'BucketNotFound: no bucket "b"',
      }),
      'BucketNotFound',
      'N: BucketNotFound: no bucket "b"',
    ],
    [
      'a custom resource with another reason',
      new EmulatorError('ResourceFailed', 'N: constructor: no', { reason: 'constructor: no' }),
      'Unavailable',
      'N: constructor: no',
    ],
    [
      'a custom resource that answered nothing',
      new EmulatorError('ResourceFailed', 'N: its function failed: timeout'),
      'Unavailable',
      'N: its function failed: timeout',
    ],
  ])('reports %s as a fault', (_, error, name, message) => {
    const fault = emulatorFault(error);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ name, message, cause: error });
  });

  it('returns any other error unchanged', () => {
    const error = new TypeError('no');
    expect(emulatorFault(error)).toBe(error);
  });
});
