import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { MiB } from '../../shared/model/limits.ts';
import { temporary } from '../support/child.ts';
import { victims } from '../../trials/kills/victims.ts';
import { Objects } from '../../trials/kills/objects.ts';
import { openSite, runKills } from '../../trials/kills/run.ts';
import { Random } from '../support/random.ts';

/** A few of the kills of `npm run test:kills`, of a smaller object. */

const place = temporary();
const size = 32 * MiB;
const partSize = 5 * MiB;
let objects: Objects;

beforeAll(async () => {
  objects = await Objects.open(join(place.path, 'store'), { size, partSize });
});
afterAll(async () => {
  await objects.close();
  place.remove();
});

test.each(['upload-parts', 'worker: a process'])(
  'after kill -9 of %s the object arrives whole, and only parts in flight are sent again',
  async (name) => {
    const victim = victims.find((one) => one.name === name)!;
    const directory = join(place.path, victim.site);
    const site = await openSite(victim.site, { directory, objects, log: () => undefined });
    try {
      const random = new Random(1);
      const result = await runKills(site, objects, { victim, count: 1, random, say: () => undefined });
      expect(result).toMatchObject({ kills: 1, completed: 1, violations: [] });
    } finally {
      await site.close();
    }
  },
  300_000,
);
