import { GiB, MiB } from '../../shared/model/limits.ts';
import { lambdaQuotas, s3Quotas } from '../aws/quotas.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { duration, none, within, type Report, type RunOptions, type Scenario } from './scenario.ts';

const jobs = 1_000_000;
const uploads = 1000;
const uploadBytes = 10 * GiB;
/** When the side goes down, and for how long. */
const [downAfterSeconds, downSeconds] = [60, 3600];

interface Variant {
  readonly side: 'source' | 'destination';
  /** faults of the surroundings count as failures of the job, as they did before jobs were postponed */
  readonly countsAllFaults?: boolean;
}

async function run({ side, countsAllFaults = false }: Variant, { seed }: RunOptions): Promise<Report> {
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: 300, concurrency: { calls: 1000 } }),
    maxWidth: 50,
    warmWrites: 40_000,
    copying: { countsAllFaults },
    // Uploads and jobs are below prefixes of their own.
    destination: { partitions: 2 },
    source: { partitions: 2 },
    tasks: [
      { name: 'small', landscape: { root: 's/', objects: jobs, prefixes: 1, weight: 250, size: 10_000 } },
      { name: 'large', landscape: { root: 'l/', objects: uploads, prefixes: 1, weight: 10, size: uploadBytes } },
    ],
  });
  const { world, begin } = pipeline;
  const from = begin + downAfterSeconds * 1000;
  world[side].outages.push({ from, to: from + downSeconds * 1000 });
  pipeline.sendAll('large');
  await pipeline.untilSeconds(downAfterSeconds - 10);
  pipeline.sendAll('small');
  const seconds = await pipeline.untilDone();

  const needed = uploads * uploadBytes;
  const sentBefore = downAfterSeconds * lambdaQuotas.accountConcurrency * lambdaQuotas.networkBytesPerSecond;
  const bytesSeconds =
    Math.max(0, needed - sentBefore) / (lambdaQuotas.accountConcurrency * lambdaQuotas.networkBytesPerSecond);
  const boundSeconds = downAfterSeconds + downSeconds + Math.max(bytesSeconds, jobs / s3Quotas.writesPerSecond);
  const again = Math.max(0, world.taskOf('large').destination.held.partBytes - needed) / (16 * MiB);
  return pipeline.report({
    scenario: 'outage',
    variant: `${side} down${countsAllFaults ? ', as before jobs were postponed' : ''}`,
    seconds,
    boundSeconds,
    bound:
      `${downAfterSeconds} s, the outage, and then the longer of ${jobs.toLocaleString('en-US')} PUTs at ` +
      `${s3Quotas.writesPerSecond}/s and the rest of ${uploads} x 10 GiB at 1,000 x 600 Mbit/s`,
    findings: [
      none('dead letters', world.buried),
      none('parts sent twice', again),
      within('done', seconds, { seconds: boundSeconds + 300, text: `the bound (${duration(boundSeconds)}) and 5 min` }),
    ],
    notes: [],
  });
}

export const outage: Scenario = {
  name: 'outage',
  title: '60-minute outage of either side, 1M jobs waiting and 1,000 uploads in flight',
  run: async (options) => [await run({ side: 'destination' }, options), await run({ side: 'source' }, options)],
};

/** What the review of the code before postponement found; it shows that the model sees such things. */
export const outageBefore: Scenario = {
  name: 'outage-before',
  title: "the same, with faults of the surroundings counted as the job's",
  run: async (options) => [await run({ side: 'destination', countsAllFaults: true }, options)],
};
