import { dynamoQuotas, s3Quotas, sqsQuotas } from '../aws/quotas.ts';
import { SimulatedRuns } from '../code/runs.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { duration, none, type Report, type RunOptions, type Scenario } from './scenario.ts';

/** As much as one prefix takes in 28 hours. */
const loadHours = 28;
const objects = loadHours * 3600 * s3Quotas.writesPerSecond;
const weight = 15_000;
/** The most messages an object that there may be. */
const mostMessages = 1.02;

interface Variant {
  /** the task's `whileBusy`: `run` is how all tasks were before runs had an owner */
  readonly whileBusy: 'supersede' | 'run';
}

async function run({ whileBusy }: Variant, { seed }: RunOptions): Promise<Report> {
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: 166 }),
    maxWidth: 8,
    smoothSeconds: (30 * sqsQuotas.batch * weight) / s3Quotas.writesPerSecond,
    warmWrites: dynamoQuotas.tableUnitsPerSecond,
    tasks: [{ name: 'hourly', landscape: { objects, prefixes: 1, weight, size: 10_000 }, settings: { whileBusy } }],
  });
  const { world } = pipeline;
  const { held } = world.taskOf('hourly').destination;
  const runs = new SimulatedRuns(world, pipeline.uploads.service);
  // The schedule goes on until the load is done.
  const start = (): void => {
    if (held.missing === 0) return;
    runs.start({ task: 'hourly' });
    world.timeline.in(3600_000, start);
  };
  start();
  const seconds = await pipeline.untilDone(20 * 86_400, () => runs.open === 0 && held.missing === 0);
  const messages = world.queue.totals.sent / held.landscape.objects;
  const superseded = runs.ended.filter(({ end }) => end === 'superseded').length;
  return pipeline.report({
    scenario: whileBusy === 'run' ? 'hourly-before' : 'hourly',
    variant: 'rate(1 hour)',
    seconds,
    boundSeconds: held.landscape.objects / s3Quotas.writesPerSecond,
    bound: `${s3Quotas.writesPerSecond} PUTs a second`,
    findings: [
      none('objects missing', held.missing),
      none('dead letters', world.buried),
      {
        what: 'messages an object',
        must: `at most ${mostMessages}`,
        found: messages.toFixed(3),
        isMet: messages <= mostMessages,
      },
    ],
    notes: [
      `${runs.ended.length} runs, of which ${superseded} were superseded; the longest lasted ` +
        duration(Math.max(...runs.ended.map((ended) => ended.seconds))),
    ],
  });
}

export const hourly: Scenario = {
  name: 'hourly',
  title: 'hourly schedule, first load of 28 h',
  run: async (options) => [await run({ whileBusy: 'supersede' }, options)],
};

/** How it was before runs had an owner. */
export const hourlyBefore: Scenario = {
  name: 'hourly-before',
  title: 'the same, with runs that do not look at each other',
  run: async (options) => [await run({ whileBusy: 'run' }, options)],
};
