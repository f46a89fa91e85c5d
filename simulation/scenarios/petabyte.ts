import { GiB } from '../../shared/model/limits.ts';
import { lambdaQuotas } from '../aws/quotas.ts';
import { synthesizeStack } from '../code/template.ts';
import { Pipeline } from './pipeline.ts';
import { duration, none, within, type Report, type RunOptions, type Scenario } from './scenario.ts';

const bytes = 1e15;
const objectBytes = GiB;
const objects = Math.ceil(bytes / objectBytes);

async function onFunctions({ seed }: RunOptions): Promise<Report> {
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: 100 }),
    maxWidth: 5,
    warmWrites: 40_000,
    source: { partitions: 20 },
    destination: { partitions: 20 },
    tasks: [{ name: 'large', landscape: { objects, prefixes: 20, weight: 40, size: objectBytes } }],
  });
  const { world } = pipeline;
  pipeline.sendAll('large');
  const seconds = await pipeline.untilDone();
  const { held } = world.taskOf('large').destination;
  const total = held.landscape.objects * objectBytes;
  const boundSeconds = total / (lambdaQuotas.accountConcurrency * lambdaQuotas.networkBytesPerSecond);
  return pipeline.report({
    scenario: 'petabyte',
    variant: '1,000 calls',
    seconds,
    boundSeconds,
    bound: 'the bytes over 1,000 calls of 600 Mbit/s',
    findings: [
      none('dead letters', world.buried),
      none('objects missing', held.missing),
      within('done', seconds, { seconds: 1.1 * boundSeconds, text: `1.10 x the bound (${duration(boundSeconds)})` }),
    ],
    notes: [],
  });
}

export const petabyte: Scenario = {
  name: 'petabyte',
  title: '1 PB of 1 GiB objects at 1,000 Lambdas; at 100 workers',
  run: async (options) => [await onFunctions(options)],
};
