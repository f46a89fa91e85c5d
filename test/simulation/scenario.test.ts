import { expect, test } from '@jest/globals';
import { synthesizeStack } from '../../simulation/code/template.ts';
import { Pipeline } from '../../simulation/scenarios/pipeline.ts';

/** A small run of the simulation: the real consumeMessage and both machines, on modelled services. */

const stack = synthesizeStack({ copyConcurrency: 100 });

function pipelineOf(objects: number, size: number): Pipeline {
  return new Pipeline({
    seed: 7,
    stack,
    maxWidth: 10,
    tasks: [{ name: 'one', landscape: { objects, prefixes: 1, weight: 20, size } }],
  });
}

test('jobs survive an outage of the destination, and take as long as the quotas of S3 say after it', async () => {
  const pipeline = pipelineOf(4000, 1000);
  const { world, begin } = pipeline;
  world.destination.outages.push({ from: begin, to: begin + 600_000 });
  pipeline.sendAll('one');
  const seconds = await pipeline.untilDone();
  expect(world.buried).toBe(0);
  expect(world.taskOf('one').destination.held.missing).toBe(0);
  expect(seconds).toBeGreaterThan(600);
  expect(seconds).toBeLessThan(600 + 420);
});

test('faults that count as failures of the job bury it', async () => {
  const pipeline = new Pipeline({
    seed: 7,
    stack,
    maxWidth: 10,
    copying: { countsAllFaults: true },
    tasks: [{ name: 'one', landscape: { objects: 2000, prefixes: 1, weight: 20, size: 1000 } }],
  });
  pipeline.world.destination.outages.push({ from: pipeline.begin, to: pipeline.begin + 3_600_000 });
  pipeline.sendAll('one');
  await pipeline.untilDone();
  expect(pipeline.world.buried).toBe(2000);
});

test('a large object becomes an execution of the deployed machine, and each part is sent once', async () => {
  const size = 1024 ** 3;
  const pipeline = pipelineOf(40, size);
  pipeline.sendAll('one');
  const seconds = await pipeline.untilDone();
  const { held } = pipeline.world.taskOf('one').destination;
  expect(pipeline.uploads.ended).toEqual(new Map([['done', 40]]));
  expect(held.missing).toBe(0);
  expect(held.partBytes).toBe(40 * size);
  expect(seconds).toBeLessThan(60);
});

test('the same seed gives the same run', async () => {
  const run = async (): Promise<number> => {
    const pipeline = pipelineOf(2000, 1000);
    pipeline.sendAll('one');
    return pipeline.untilDone();
  };
  expect(await run()).toBe(await run());
});
