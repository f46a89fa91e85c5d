import { describe, expect, it } from '@jest/globals';
import { helpText, readWorkerEnvironment, requiredKeys } from '../../worker/environment.ts';

const machine = { processors: 4, memoryBytes: 8 * 1024 ** 3 };
const required = Object.fromEntries(requiredKeys.map((key) => [key, `the ${key}`]));

describe('readWorkerEnvironment', () => {
  it('needs four variables, and takes the others from defaults and the machine', () => {
    expect(readWorkerEnvironment(required, machine)).toMatchObject({
      ...required,
      PROCESSES: 4,
      MEMORY_MIB: 4096,
      VISIBILITY_SECONDS: 300,
      METADATA_URL: 'http://169.254.169.254',
      HEALTH_FILE: 'none',
    });
  });

  it('reads the variables that are set; an empty one counts as not set', () => {
    expect(readWorkerEnvironment({ ...required, PROCESSES: '2', MEMORY_MIB: '' }, machine)).toMatchObject({
      PROCESSES: 2,
      MEMORY_MIB: 4096,
    });
  });

  it('reports every fault at once', () => {
    const source = { ...required, QUEUE_URL: '', PROCESSES: '0', OBJECTS_AT_ONCE: 'many', DRAIN_SECONDS: '1e3' };
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

  it('reads no variable that --help does not list', () => {
    const help = helpText();
    for (const key of Object.keys(readWorkerEnvironment(required, machine))) expect(help).toContain(`  ${key} `);
  });
});
