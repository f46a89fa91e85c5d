import { defaultUploadConcurrency, maxObjectBytes, TiB } from '../../shared/model/limits.ts';
import { lambdaQuotas } from '../aws/quotas.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { none, type Report, type RunOptions, type Scenario } from './scenario.ts';

interface Variant {
  readonly name: string;
  readonly size: number;
  /** bytes per second of one call */
  readonly perCall: number;
}

/** 100 Mbit/s for each call, as across a border. */
const slow = 12_500_000;
const fast = lambdaQuotas.networkBytesPerSecond;

const variants: readonly Variant[] = [
  { name: '1 TiB, 600 Mbit/s a call', size: TiB, perCall: fast },
  { name: '1 TiB, 100 Mbit/s a call', size: TiB, perCall: slow },
  { name: '48.8 TiB, 600 Mbit/s a call', size: maxObjectBytes, perCall: fast },
  { name: '48.8 TiB, 100 Mbit/s a call', size: maxObjectBytes, perCall: slow },
];

async function run({ name, size, perCall }: Variant, { seed }: RunOptions): Promise<Report> {
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({}),
    maxWidth: 1,
    line: { perCall },
    tasks: [{ name: 'huge', landscape: { objects: 1, prefixes: 1, weight: 1, size } }],
  });
  const { world } = pipeline;
  pipeline.sendAll('huge');
  const seconds = await pipeline.untilDone();
  const { held } = world.taskOf('huge').destination;
  const toComplete = held.completedAt === undefined ? Infinity : (held.completedAt - held.lastPartAt) / 1000;
  return pipeline.report({
    scenario: 'one-object',
    variant: name,
    seconds,
    boundSeconds: size / (defaultUploadConcurrency * perCall),
    bound: `the bytes over ${defaultUploadConcurrency} calls (uploadConcurrency)`,
    findings: [
      none('objects missing', held.missing),
      {
        what: 'last part to Complete',
        must: 'at most 2 s',
        found: held.completedAt === undefined ? 'never' : `${toComplete.toFixed(2)} s`,
        isMet: toComplete <= 2,
      },
    ],
    notes: [`bytes sent: ${(held.partBytes / size).toFixed(3)} x the object's`],
  });
}

export const oneObject: Scenario = {
  name: 'one-object',
  title: 'one 1 TB, one 48.8 TiB object, fast and 100 Mbit/s lines',
  run: async (options) => {
    const reports: Report[] = [];
    for (const variant of variants) reports.push(await run(variant, options));
    return reports;
  },
};
