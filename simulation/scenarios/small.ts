import { lambdaQuotas, dynamoQuotas, mappingQuotas, s3Quotas, sqsQuotas } from '../aws/quotas.ts';
import { SimulatedRuns } from '../code/runs.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { duration, none, within, type Finding, type Report, type RunOptions, type Scenario } from './scenario.ts';

const size = 10_000;

interface Variant {
  readonly scenario: string;
  readonly objects: number;
  readonly prefixes: number;
  /** objects that one key of the simulation stands for */
  readonly weight: number;
  /** calls that one call of the simulation makes at the same time */
  readonly maxWidth: number;
  /** the target: so many times the bound */
  readonly times: number;
}

/** A run that finds everything missing, and the copies of it. */
async function run(variant: Variant, { seed }: RunOptions): Promise<Report> {
  const { scenario, objects, prefixes, weight, maxWidth, times } = variant;
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: copyConcurrencyFor(prefixes), concurrency: { calls: 1000 } }),
    maxWidth,
    // Some 30 batches, so that their number is a rate.
    smoothSeconds: (30 * sqsQuotas.batch * weight) / (prefixes * s3Quotas.writesPerSecond),
    // A table that has seen such a load before, or whose warm throughput was set.
    warmWrites: dynamoQuotas.tableUnitsPerSecond,
    source: { partitions: prefixes },
    destination: { partitions: prefixes },
    tasks: [{ name: 'small', landscape: { objects, prefixes, weight, size } }],
  });
  const { world } = pipeline;
  const runs = new SimulatedRuns(world, pipeline.uploads.service);
  runs.start({ task: 'small' });
  let oldestSeconds = 0;
  const seconds = await pipeline.untilDone(30 * 86_400, () => {
    oldestSeconds = Math.max(oldestSeconds, world.queue.oldestSeconds);
    return runs.open === 0;
  });

  const { held } = world.taskOf('small').destination;
  const total = held.landscape.objects;
  const boundSeconds = total / (prefixes * s3Quotas.writesPerSecond);
  const tableSeconds = total / dynamoQuotas.tableUnitsPerSecond;
  const age: Finding = {
    what: 'oldest message',
    must: `under ${duration(world.stack.queue.retentionSeconds)}`,
    found: duration(oldestSeconds),
    isMet: oldestSeconds < world.stack.queue.retentionSeconds,
  };
  const limit = { seconds: times * boundSeconds, text: `${times.toFixed(2)} x the bound (${duration(boundSeconds)})` };
  return pipeline.report({
    scenario,
    variant: `${prefixes} prefix${prefixes === 1 ? '' : 'es'}`,
    seconds,
    boundSeconds,
    bound:
      `${prefixes} x ${s3Quotas.writesPerSecond} PUTs a second. Beside it: one write of the ledger for each object, at ` +
      `${dynamoQuotas.tableUnitsPerSecond.toLocaleString('en-US')} a second and table, takes ${duration(tableSeconds)}`,
    findings: [
      none('objects missing', held.missing),
      none('dead letters', world.buried),
      none('messages dropped', world.lost),
      age,
      within('done', seconds, limit),
    ],
    notes: [
      `messages: ${(world.queue.totals.sent / total).toFixed(3)} an object`,
      `runs: ${runs.ended.map(({ run, end, seconds }) => `${run} ${end} after ${duration(seconds)}`).join(', ')}`,
    ],
  });
}

/** Calls of copy-objects: more than S3 takes, since its limit makes them wait; at most what an account allows. */
function copyConcurrencyFor(prefixes: number): number {
  const perCall = 8;
  const wanted = Math.ceil((prefixes * s3Quotas.writesPerSecond * 1.33) / perCall);
  return Math.min(wanted, mappingQuotas.mostBatches, lambdaQuotas.accountConcurrency - 50);
}

export const hundredMillion: Scenario = {
  name: 'hundred-million',
  title: '100M x 10 KB',
  run: async (options) => {
    const scenario = 'hundred-million';
    const common = { scenario, objects: 100_000_000, times: 1.1 };
    return [
      await run({ ...common, prefixes: 1, weight: 2000, maxWidth: 8 }, options),
      await run({ ...common, prefixes: 20, weight: 2000, maxWidth: 25 }, options),
    ];
  },
};

export const billion: Scenario = {
  name: 'billion',
  title: '1 billion objects of 10 KB, 20 prefixes',
  run: async (options) => [
    await run({ scenario: 'billion', objects: 1e9, prefixes: 20, weight: 20_000, maxWidth: 25, times: 1.15 }, options),
  ],
};
