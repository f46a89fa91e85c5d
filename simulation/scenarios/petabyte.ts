import { GiB } from '../../shared/model/limits.ts';
import { noDeadline } from '../../shared/ports/clock.ts';
import { consumeMessage, type Message } from '../../shared/transfer/consume-message.ts';
import { ec2Quotas, lambdaQuotas } from '../aws/quotas.ts';
import { consumerOf } from '../code/copy-objects.ts';
import { synthesizeStack } from '../code/template.ts';
import { WorkerPool } from '../code/worker-pool.ts';
import { Pipeline } from './pipeline.ts';
import { duration, none, within, type Report, type RunOptions, type Scenario } from './scenario.ts';

const bytes = 1e15;
const objectBytes = GiB;
const objects = Math.ceil(bytes / objectBytes);

async function onFunctions({ seed }: RunOptions): Promise<Report> {
  const pipeline = new Pipeline({
    seed,
    stack: synthesizeStack({ copyConcurrency: 10, concurrency: { calls: 1000 } }),
    maxWidth: 5,
    warmWrites: 40_000,
    source: { partitions: 20 },
    destination: { partitions: 20 },
    tasks: [{ name: 'large', landscape: { objects, prefixes: 20, weight: 60, size: objectBytes } }],
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

const workers = 100;

async function onWorkers({ seed }: RunOptions): Promise<Report> {
  const stack = synthesizeStack({ workerMode: 'ec2', worker: { maxInstances: workers } });
  const pipeline = new Pipeline({
    seed,
    stack,
    maxWidth: 1,
    warmWrites: 40_000,
    source: { partitions: 20 },
    destination: { partitions: 20 },
    tasks: [{ name: 'large', landscape: { objects, prefixes: 20, weight: 60, size: objectBytes } }],
  });
  const { world } = pipeline;
  const pool = new WorkerPool(world, workers, async (message, transfer) => {
    const consumer = consumerOf(world, {}, message, noDeadline);
    return consumeMessage({ ...consumer, transfer }, message as Message);
  });
  pipeline.sendAll('large');
  const { held } = world.taskOf('large').destination;
  await pipeline.until(() => !pipeline.isBusy);
  const { seconds } = pipeline;
  const boundSeconds = (held.landscape.objects * objectBytes) / (workers * ec2Quotas.networkBytesPerSecond);
  return pipeline.report({
    scenario: 'petabyte',
    variant: `${workers} workers`,
    seconds,
    boundSeconds,
    bound: `the bytes over ${workers} instances of 0.937 Gbit/s each way`,
    findings: [
      none('dead letters', world.buried),
      none('objects missing', held.missing),
      within('done', seconds, { seconds: 1.1 * boundSeconds, text: `1.10 x the bound (${duration(boundSeconds)})` }),
    ],
    notes: [`the pool grew to ${pool.peak} workers by its rules`],
  });
}

export const petabyte: Scenario = {
  name: 'petabyte',
  title: '1 PB of 1 GiB objects at 1,000 Lambdas; at 100 workers',
  run: async (options) => [await onFunctions(options), await onWorkers(options)],
};
