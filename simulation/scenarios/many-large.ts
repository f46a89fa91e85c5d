import { MiB } from '../../shared/model/limits.ts';
import { lambdaQuotas, statesQuotas, type RegionClass } from '../aws/quotas.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { none, type Report, type RunOptions, type Scenario } from './scenario.ts';

const objects = 100_000;
const objectBytes = 300 * MiB;

interface Variant {
  readonly regionClass: RegionClass;
  /** faults of the surroundings count as failures of the job, as they did before jobs were postponed */
  readonly countsAllFaults?: boolean;
}

async function run({ regionClass, countsAllFaults = false }: Variant, { seed }: RunOptions): Promise<Report> {
  const pipeline = new Pipeline({
    seed,
    // As the review had it: 100 calls of copy-objects, each with ten messages.
    stack: synthesizeStack({ copyConcurrency: 100, concurrency: { calls: 1000 } }),
    maxWidth: 5,
    regionClass,
    copying: { countsAllFaults },
    source: { partitions: 20 },
    destination: { partitions: 20 },
    tasks: [{ name: 'large', landscape: { objects, prefixes: 20, weight: 40, size: objectBytes } }],
  });
  const { world } = pipeline;
  pipeline.sendAll('large');
  const seconds = await pipeline.untilDone();

  const start = statesQuotas.startExecution[regionClass];
  const startSeconds = (objects - start.burst) / start.perSecond;
  const networkSeconds =
    (objects * objectBytes) / (lambdaQuotas.accountConcurrency * lambdaQuotas.networkBytesPerSecond);
  const notes = [
    `StartExecution was refused ${pipeline.uploads.service.startsThrottled.toLocaleString('en-US')} times`,
  ];
  return pipeline.report({
    scenario: countsAllFaults ? 'many-large-before' : 'many-large',
    variant: regionClass === 'large' ? 'us-east-1, us-west-2, eu-west-1' : 'other regions',
    seconds,
    boundSeconds: Math.max(startSeconds, networkSeconds),
    bound:
      `the longer of ${objects.toLocaleString('en-US')} executions at ${start.perSecond}/s (${startSeconds.toFixed(0)} s) ` +
      `and their bytes over 1,000 calls of 600 Mbit/s (${networkSeconds.toFixed(0)} s)`,
    findings: [
      none('dead letters', world.buried),
      none('objects missing', world.taskOf('large').destination.held.missing),
    ],
    notes,
  });
}

const regions = ['large', 'other'] as const;

export const manyLarge: Scenario = {
  name: 'many-large',
  title: '100,000 objects of 300 MiB at once, both quota classes',
  run: async (options) => {
    const reports: Report[] = [];
    for (const regionClass of regions) reports.push(await run({ regionClass }, options));
    return reports;
  },
};

/** What the review of the code before postponement found. */
export const manyLargeBefore: Scenario = {
  name: 'many-large-before',
  title: "the same, with faults of the surroundings counted as the job's",
  run: async (options) => {
    const reports: Report[] = [];
    for (const regionClass of regions) reports.push(await run({ regionClass, countsAllFaults: true }, options));
    return reports;
  },
};
