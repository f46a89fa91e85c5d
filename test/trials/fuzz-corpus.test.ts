import { describe, expect, it } from '@jest/globals';
import { corpusOf } from '../../trials/fuzz/corpus.ts';
import { targets } from '../../trials/fuzz/targets.ts';

/** Reads the inputs that the fuzzer kept; `npm run fuzz` looks for more. */
describe('kept fuzzing inputs', () => {
  it.each(Object.entries(targets))('of the target %s end in a result or a clean error', async (name, open) => {
    const target = await open();
    try {
      for (const input of [...target.seeds, ...corpusOf(name)]) expect(typeof (await target.run(input))).toBe('string');
    } finally {
      await target.close?.();
    }
  });
});
