import { describe, expect, it } from '@jest/globals';
import { corpusOf } from '../../trials/fuzz/corpus.ts';
import { targets } from '../../trials/fuzz/targets.ts';

/** What the fuzzer kept is read once more: `npm run fuzz` looks for more. */
describe('the kept inputs', () => {
  it.each(Object.entries(targets))('of %s end as they may', async (name, open) => {
    const target = await open();
    try {
      for (const input of [...target.seeds, ...corpusOf(name)]) expect(typeof (await target.run(input))).toBe('string');
    } finally {
      await target.close?.();
    }
  });
});
