import { describe, expect, it } from '@jest/globals';
import { objectKey } from '../../../shared/model/object-key.ts';
import { addCounts, noCounts } from '../../../shared/model/run-counts.ts';
import { isBareMarker } from '../../../shared/model/config/key-filter.ts';
import { destinationKey, sourceKey } from '../../../shared/model/config/task.ts';
import { wantsEvent } from '../../../shared/transfer/consume-message.ts';
import { transferObject } from '../../../shared/transfer/transfer-object.ts';
import { failureOf } from '../../support/failure.ts';
import { MemoryWorld, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { runTask } from '../../support/memory-run.ts';
import { noAttributes } from '../../support/objects.ts';
import { taskOf } from '../../support/tasks.ts';

/** A folder marker that equals the prefix of one side has no key on the other side, if that has no prefix. */

async function worldWith(
  task: MemoryWorldOptions['task'],
  objects: Readonly<Record<'source' | 'destination', readonly string[]>>,
  more: MemoryWorldOptions = {},
): Promise<MemoryWorld> {
  const world = new MemoryWorld({ ...more, ...(task && { task }) });
  const context = world.context();
  for (const side of ['source', 'destination'] as const) {
    for (const key of objects[side]) {
      await context[side].put(objectKey(key), { data: Buffer.from('x'), size: 1 }, noAttributes);
    }
  }
  return world;
}

const orders = [
  ['stores that list in order', {}],
  ['stores that list in another order', { source: { order: 'utf16' }, destination: { order: 'utf16' } }],
] as const satisfies readonly (readonly [string, MemoryWorldOptions])[];
/** In UTF-16 order the second comes first, so that the finder looks at each key. */
const outOfOrder = ['\uff5e', '\u{10ffff}'] as const;

describe.each(orders)('a run between %s', (_title, more) => {
  it('leaves the marker of a prefix that the destination lacks, and counts it', async () => {
    const task = { source: { prefix: 'photos/' }, deletes: true };
    const source = ['photos/', 'photos/a', ...outOfOrder.map((key) => `photos/${key}`)];
    const world = await worldWith(task, { source, destination: ['old'] }, more);
    const { record, jobs } = await runTask(world, { input: { allowDeletes: true } });
    expect(jobs.map(({ action, key }) => `${action} ${key}`).sort()).toEqual(
      ['copy photos/a', ...outOfOrder.map((key) => `copy photos/${key}`), 'delete photos/old'].sort(),
    );
    expect(record).toMatchObject({ status: 'DONE', counts: { listed: 4, jobs: 4, deletes: 1, same: 0, markers: 1 } });
    for (const job of jobs) await transferObject(world.context(), job);
    expect(world.destinationStorage.bucket('destination').keys().sort()).toEqual(['a', ...outOfOrder].sort());
  });

  it('never deletes the marker of a prefix that the source lacks', async () => {
    const task = { destination: { prefix: 'out/' }, deletes: true };
    const destination = ['out/', 'out/old', ...outOfOrder.map((key) => `out/${key}`)];
    const world = await worldWith(task, { source: [...outOfOrder], destination }, more);
    const { record, jobs } = await runTask(world, { input: { allowDeletes: true } });
    expect(jobs.filter(({ action }) => action === 'delete').map(({ key }) => key)).toEqual(['old']);
    expect(record).toMatchObject({ status: 'DONE', counts: { deletes: 1, markers: 1 } });
  });

  it('copies the marker as any object if the destination has a prefix', async () => {
    const task = { source: { prefix: 'photos/' }, destination: { prefix: 'out/' } };
    const world = await worldWith(task, { source: ['photos/'], destination: [] }, more);
    const { record, jobs } = await runTask(world);
    expect(jobs).toMatchObject([{ action: 'copy', key: 'photos/' }]);
    expect(record.counts.markers).toBeUndefined();
    for (const job of jobs) await transferObject(world.context(), job);
    expect(world.copied('out/')).toBeDefined();
  });
});

describe('the marker of a prefix that the destination lacks', () => {
  const task = taskOf({ source: { prefix: 'photos/' }, events: 'create-delete' });

  it('is ignored by events of both kinds', () => {
    for (const kind of ['created', 'removed'] as const) {
      expect(wantsEvent(task, { kind, bucket: 'source', key: objectKey('photos/') })).toBe(false);
      expect(wantsEvent(task, { kind, bucket: 'source', key: objectKey('photos/sub/') })).toBe(true);
    }
  });

  it.each(['copy', 'delete'] as const)('makes an old job to %s it fail for good, without a call', async (action) => {
    const world = await worldWith(
      { source: { prefix: 'photos/' }, events: 'create-delete' },
      { source: [], destination: [] },
    );
    const asked: string[] = [];
    world.gate.hooks = { before: ({ operation }) => void asked.push(operation) };
    const failure = await failureOf(transferObject(world.context(), world.job('photos/', { action })));
    expect(failure).toMatchObject({ name: 'InvalidInput', retry: 'never' });
    expect(String(failure)).toContain('key "photos/" is the task\'s source prefix');
    expect(asked).toEqual([]);
  });

  it('has no key on the other side', () => {
    expect(isBareMarker(task, 'photos/')).toBe(true);
    expect(isBareMarker(task, 'photos/a')).toBe(false);
    expect(() => destinationKey(task, 'photos/')).toThrow('nothing is left of it');
    expect(sourceKey(taskOf({ destination: { prefix: 'out/' } }), objectKey('out/'))).toBeUndefined();
    expect(sourceKey(task, objectKey('a'))).toBe('photos/a');
  });
});

it('adds counts of states that were made before markers were counted', () => {
  expect(addCounts(noCounts, noCounts)).toEqual(noCounts);
  expect(addCounts({ ...noCounts, markers: 1 }, noCounts)).toEqual({ ...noCounts, markers: 1 });
});
