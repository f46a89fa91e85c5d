import { join } from 'node:path';
import { LocalPipeline } from '../../local/run/local-pipeline.ts';
import { localNames } from '../../local/run/settings.ts';
import { synthesize, writeConfiguration } from '../../local/run/synthesize.ts';
import { LocalWorker } from '../../local/run/workers.ts';
import type { FaultHook } from '../../emulator/s3/index.ts';
import { storeFaults } from '../faults/store-faults.ts';
import { Random } from '../../test/support/random.ts';
import { soakTask } from './task.ts';

/**
 * The pipeline of the soak: endpoint and store in this process, each function and the worker in processes of their own,
 * and a store whose requests fail, except those of the soak itself. Arguments: the data directory, the seed. It sends
 * its parent its address, then answers each message with {@link PipelineCounts}. `calm` ends the faults, `end` the
 * process.
 */

export interface PipelineAddress {
  readonly endpoint: string;
  readonly storeEndpoint: string;
  readonly region: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface PipelineCounts {
  /** objects written, and deleted, at the destination */
  readonly written: number;
  readonly deleted: number;
  /** bytes that the destination received */
  readonly received: number;
  readonly requests: number;
  /** requests with a fault */
  readonly injected: number;
}

export type PipelineQuestion = 'counts' | 'calm' | 'end';

const [directory = '', seed = '1'] = process.argv.slice(2);
const random = new Random(Number(seed));
const counts = { written: 0, deleted: 0, received: 0, requests: 0, injected: 0 };
let calm = false;

const rates = new Map([
  ['503 SlowDown', 0.05],
  ['reset before the body', 0.01],
  ['truncated body', 0.005],
  ['lost answer', 0.005],
]);

const fault: FaultHook = ({ operation, req }) => {
  if (req.socket.localPort === Number(new URL(ferry.storeEndpoint).port)) return undefined;
  counts.requests++;
  if (calm) return undefined;
  for (const kind of storeFaults) {
    const meant = kind.operations?.includes(operation) ?? true;
    if (!meant || !random.chance(rates.get(kind.name) ?? 0)) continue;
    counts.injected++;
    return kind.fault(random);
  }
  return undefined;
};

const configuration = writeConfiguration(directory, [soakTask], { workerMode: 'both' });
const ferry: LocalPipeline = await LocalPipeline.open({
  dataDirectory: directory,
  configuration,
  port: 0,
  fault,
  onRequest: ({ bucket, operation, status, bytesIn }) => {
    if (bucket !== localNames.destinationBucket) return;
    counts.received += bytesIn;
    if (status >= 300) return;
    if (operation === 'PutObject' || operation === 'CompleteMultipartUpload') counts.written++;
    if (operation === 'DeleteObject') counts.deleted++;
  },
  // Environments that come and go would not show what they leak.
  deployment: { isolation: 'processes', idleSeconds: 24 * 3600, retryDelaySeconds: undefined },
});
const assembly = join(directory, 'cdk.out');
await synthesize(configuration, assembly);
const aws = await ferry.deploy(assembly);
// So little memory that the pools of buffers are full before the comparison starts; later growth is not a pool's.
const worker = new LocalWorker(aws, assembly, { MEMORY_MIB: '96' });

const address: PipelineAddress = {
  endpoint: aws.endpoint,
  storeEndpoint: ferry.storeEndpoint,
  region: aws.region,
  outputs: aws.outputs,
};
process.send?.(address);
process.on('message', (question: PipelineQuestion) => {
  if (question === 'calm') calm = true;
  if (question === 'end') void end();
  else process.send?.(counts);
});
process.on('disconnect', () => void end());

async function end(): Promise<void> {
  await worker.stop();
  await ferry.close();
  process.exit(0);
}
