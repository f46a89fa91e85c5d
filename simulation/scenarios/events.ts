import { dynamoQuotas, s3Quotas } from '../aws/quotas.ts';
import { SimulatedRuns } from '../code/runs.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { none, type Report, type RunOptions, type Scenario } from './scenario.ts';

/** A bulk run of objects of 1 GiB and of small ones, beside a task whose events come at a steady rate. */
const eventsPerSecond = 2;
const minutes = 60;

async function run({ seed }: RunOptions): Promise<Report> {
  const delays: number[] = [];
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: 300, concurrency: { calls: 1000 } }),
    maxWidth: 10,
    warmWrites: dynamoQuotas.tableUnitsPerSecond,
    source: { partitions: 3 },
    destination: { partitions: 3 },
    copying: {
      onDone: (job, _count, delayMillis) => {
        if (job.task === 'events' && delayMillis !== undefined) delays.push(delayMillis / 1000);
      },
    },
    tasks: [
      { name: 'small', landscape: { root: 's/', objects: 10_000_000, prefixes: 1, weight: 400, size: 10_000 } },
      { name: 'large', landscape: { root: 'l/', objects: 100_000, prefixes: 1, weight: 20, size: 1024 ** 3 } },
      {
        name: 'events',
        landscape: { root: 'e/', objects: eventsPerSecond * minutes * 60, prefixes: 1, weight: 1, size: 10_000 },
        settings: { events: 'create' },
      },
    ],
  });
  const { world } = pipeline;
  const runs = new SimulatedRuns(world, pipeline.uploads.service);
  for (const task of ['small', 'large']) runs.start({ task });
  sendEvents(pipeline);
  const total = eventsPerSecond * minutes * 60;
  await pipeline.until(() => delays.length >= total || pipeline.seconds > 3 * minutes * 60);
  delays.sort((one, other) => one - other);
  const at = (share: number): number =>
    delays[Math.min(delays.length - 1, Math.floor(share * delays.length))] ?? Infinity;
  return pipeline.report({
    scenario: 'events',
    variant: `${eventsPerSecond} events a second for ${minutes} min`,
    seconds: pipeline.seconds,
    boundSeconds: minutes * 60,
    bound: 'the time in which events come',
    findings: [
      none('events not done', total - delays.length),
      none('dead letters', world.buried),
      {
        what: 'event to done, 99th percentile',
        must: 'at most 60 s',
        found: `${at(0.99).toFixed(1)} s (median ${at(0.5).toFixed(1)} s, longest ${at(1).toFixed(1)} s)`,
        isMet: at(0.99) <= 60,
      },
    ],
    notes: [`S3 takes ${s3Quotas.writesPerSecond} PUTs a second below each of three prefixes`],
  });
}

/** Notifications of S3, one a message, at a steady rate. */
function sendEvents({ world }: Pipeline): void {
  const { task, source } = world.taskOf('events');
  const { landscape } = source.held;
  for (let index = 0; index < landscape.length; index++) {
    world.timeline.in((index * 1000) / eventsPerSecond, () => {
      const key = landscape.keyAt(index);
      const object = source.held.get(key);
      const s3 = { bucket: { name: task.source.bucket }, object: { key, size: object?.size, eTag: object?.etag } };
      const eventTime = new Date(world.timeline.now()).toISOString();
      const record = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', eventTime, s3 };
      world.events.send({ body: JSON.stringify({ Records: [record] }), count: 1 });
    });
  }
}

export const events: Scenario = {
  name: 'events',
  title: '1,000-call account shared with an event task during a bulk run',
  run: async (options) => [await run(options)],
};
