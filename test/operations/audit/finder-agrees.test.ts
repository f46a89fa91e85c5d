import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { auditTask } from '../../../operations/audit/audit-task.ts';
import { findingKinds, type Finding } from '../../../operations/audit/finding.ts';
import { findSegment, type FindContext } from '../../../shared/find/find-segment.ts';
import { decodeJob } from '../../../shared/model/job.ts';
import { objectKey } from '../../../shared/model/object-key.ts';
import { noDeadline } from '../../../shared/ports/clock.ts';
import { MemoryQueue } from '../../../shared/ports/memory/job-queue.ts';
import { smallKeyArbitrary } from '../../support/keys.ts';
import { MemoryWorld } from '../../support/memory-world.ts';
import { noAttributes } from '../../support/objects.ts';

/** Keys with the content of each side, and the side that was written last. */
const keys = fc.uniqueArray(
  fc.record({
    key: fc.oneof(smallKeyArbitrary, fc.constant('')),
    source: fc.constantFrom(undefined, 'one', 'two', 'three'),
    destination: fc.constantFrom(undefined, 'one', 'two', 'three'),
    newer: fc.constantFrom('source', 'destination', 'neither'),
  }),
  { selector: ({ key }) => key, maxLength: 12 },
);

const cases = fc.record({
  keys,
  compare: fc.constantFrom('auto', 'size', 'checksum'),
  deletes: fc.boolean(),
  exclude: fc.constantFrom(undefined, ['a*'], ['**/b**']),
  prefixes: fc.constantFrom(undefined, ['a'], ['b', 'a/']),
  order: fc.constantFrom<'utf8' | 'utf16'>('utf8', 'utf16'),
  pageSize: fc.integer({ min: 1, max: 5 }),
});

test('without a ledger, an audit reports exactly the objects that a run would send jobs for', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ keys: all, compare, deletes, exclude, prefixes, order, pageSize }) => {
      const rules = { compare, deletes, ...(exclude && { exclude }), ...(prefixes && { prefixes }) };
      const world = new MemoryWorld({
        task: { source: { prefix: 'in/' }, destination: { prefix: 'out/' }, ...rules },
        source: { order, pageSize },
        destination: { pageSize },
      });
      const { task, source, destination, ledger, clock } = world.context();
      for (const one of all) {
        const sides =
          one.newer === 'source' ? (['destination', 'source'] as const) : (['source', 'destination'] as const);
        for (const side of sides) {
          const text = one[side];
          const body = { data: Buffer.from(text ?? ''), size: text?.length ?? 0 };
          if (text !== undefined && side === 'source') await source.put(objectKey(`in/${one.key}`), body, noAttributes);
          if (text !== undefined && side === 'destination')
            await destination.put(objectKey(`out/${one.key}`), body, noAttributes);
          if (one.newer !== 'neither') world.clock.pass(2000);
        }
      }
      const queue = new MemoryQueue();
      const finder: FindContext = { task, source, destination, queue, clock, deadline: noDeadline, margin: 0 };
      await findSegment(finder, { task: 'test', run: 'r', dryRun: false, prefix: 'in/', prefixList: {}, segment: {} });
      const wanted = new Set<string>();
      for (let batch = queue.receive(); batch.length > 0; batch = queue.receive()) {
        for (const { body } of batch) wanted.add(decodeJob(body).key);
      }

      let found: Finding[] = [];
      const { compared } = await auditTask({
        ...{ task, source, destination, ledger, clock, lookup: world.ledger, executions: world.uploads },
        ...{ jobs: new MemoryQueue(), deadLetters: new MemoryQueue(), hasOtherTasks: false, depth: 'off' },
        letters: { receive: async () => [], release: async () => undefined },
        found: (finding) => found.push(finding),
        compared: () => undefined,
        restarted: () => (found = []),
      });
      const differences = found.filter(({ kind }) => findingKinds[kind].severity === 'difference');
      expect(differences.map(({ key }) => key).sort()).toEqual([...wanted].sort());
      expect(compared.complete).toBe(true);
    }),
    { numRuns: 300 },
  );
});
