import { describe, expect, test } from '@jest/globals';
import { helpText, readWorkerEnvironment, requiredKeys } from '../../worker/environment.ts';

const machine = { processors: 4, memory: 8 * 1024 ** 3 };
const least = Object.fromEntries(requiredKeys.map((key) => [key, `the ${key}`]));

describe('the environment of the worker', () => {
  test('needs four variables; the rest comes from defaults and the machine', () => {
    expect(readWorkerEnvironment(least, machine)).toMatchObject({
      ...least,
      PROCESSES: 4,
      MEMORY_MIB: 4096,
      VISIBILITY_SECONDS: 300,
      METADATA_URL: 'http://169.254.169.254',
      HEALTH_FILE: 'none',
    });
  });

  test('takes what is set, and an empty one for not set', () => {
    expect(readWorkerEnvironment({ ...least, PROCESSES: '2', MEMORY_MIB: '' }, machine)).toMatchObject({
      PROCESSES: 2,
      MEMORY_MIB: 4096,
    });
  });

  test('tells of everything that is wrong at once', () => {
    const source = { ...least, QUEUE_URL: '', PROCESSES: '0', OBJECTS_AT_ONCE: 'many', DRAIN_SECONDS: '1e3' };
    const read = (): unknown => readWorkerEnvironment(source, machine);
    expect(read).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
    for (const fault of [
      /QUEUE_URL: is missing, expected the URL of the queue of jobs/,
      /PROCESSES: found "0", expected a whole number from 1 to 512/,
      /OBJECTS_AT_ONCE: found "many", expected a whole number from 1 to 1000/,
      /DRAIN_SECONDS: found "1e3", expected/,
    ]) {
      expect(read).toThrow(fault);
    }
  });

  test('is explained by --help, every variable of it', () => {
    const help = helpText();
    for (const key of Object.keys(readWorkerEnvironment(least, machine))) expect(help).toContain(`  ${key} `);
  });
});
