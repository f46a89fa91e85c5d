import { expect, test } from '@jest/globals';
import { compareKeys } from '../../shared/find/order.ts';
import { landscapes, rankOf } from '../../trials/finding/landscapes.ts';
import { virtualRun } from '../../trials/finding/virtual-run.ts';

const all = landscapes(300_000);

test.each(all)('$name has its keys in order', (land) => {
  for (let index = 997; index < land.count; index += 997) {
    expect(compareKeys(land.key(index - 1), land.key(index))).toBeLessThan(0);
    expect(rankOf(land, land.key(index))).toBe(index + 1);
  }
});

// A run checks that each key is listed, and none twice.
test.each(all)('many finders share the work of $name', async (land) => {
  const run = await virtualRun(land, { finders: 20, page: 100 });
  // A third of the keys of `npm run finding`, so that beginning and end weigh three times as much.
  expect(run.aloneSeconds / run.listingSeconds).toBeGreaterThan(4);
  expect(run.lists / run.neededLists).toBeLessThan(1.25);
  expect(run.largestBytes).toBeLessThan(180 * 1024);
});
