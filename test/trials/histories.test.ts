import { describe, expect, it } from '@jest/globals';
import { runHistories } from '../../trials/histories/run.ts';

/** The first histories; `npm run histories` runs more, or replays one. */
describe('random histories', () => {
  it('show only whole versions at the destination, and end with the destination as the source is', async () => {
    const { failures, ...counts } = await runHistories({ count: 1000, seed: 1 });
    expect(failures).toEqual([]);
    // The histories are as rough as they are meant to be: processes are killed, stores
    // have outages, and messages become dead letters.
    expect(Math.min(counts.calls, counts.killed, counts.buried, counts.outages)).toBeGreaterThan(0);
  }, 600_000);
});
