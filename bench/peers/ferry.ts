import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { findSegment } from '../../shared/find/find-segment.ts';
import { BufferPool } from '../../shared/flow/buffer-pool.ts';
import { forEachConcurrently } from '../../shared/flow/concurrently.ts';
import { parseTask, type DestinationSide } from '../../shared/model/config/task.ts';
import type { Job } from '../../shared/model/job.ts';
import { MiB } from '../../shared/model/limits.ts';
import { noDeadline, systemClock } from '../../shared/ports/clock.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';

/**
 * What S3 Ferry's functions and workers do, in one process: `list ENDPOINT` lists the source, `diff ENDPOINT` finds
 * what the destination lacks, and `copy ENDPOINT AT_ONCE` copies it, too. The ledger is in memory.
 */

const [mode = '', endpoint = '', atOnce = '1'] = process.argv.slice(2);
const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

const common = { region: 'us-east-1', endpoint, forcePathStyle: true };
const task = parseTask(
  JSON.stringify({
    name: 'bench',
    source: { bucket: 'source', ...common },
    destination: { bucket: 'destination', ...common },
    serverSideCopy: 'never',
    tags: false,
    largeObjectThreshold: 5 * 1024 * MiB,
  }),
  'task',
);

function storeOf(side: DestinationSide): S3ObjectStore {
  return new S3ObjectStore(createS3Client(side, keys), side);
}

const source = storeOf(task.source);
const destination = storeOf(task.destination);

async function list(): Promise<number> {
  let count = 0;
  for await (const page of source.list({ prefix: '' })) count += page.length;
  return count;
}

async function find(): Promise<Job[]> {
  const jobs: Job[] = [];
  const queue = { send: (some: readonly Job[]) => Promise.resolve(void jobs.push(...some)) };
  const context = { task, source, destination, queue, clock: systemClock, deadline: noDeadline, margin: 0 };
  const state = { task: 'bench', run: 'bench', dryRun: false, prefix: '', prefixList: {}, segment: {} };
  const { done } = await findSegment(context, state);
  if (done !== true) throw new Error('the search did not end');
  return jobs;
}

async function copy(limit: number): Promise<number> {
  const jobs = await find();
  const context = {
    ...{ task, source, destination, clock: systemClock, deadline: noDeadline, ledger: new MemoryLedger() },
    ...{ buffers: new BufferPool(256 * MiB), progress: () => undefined, partsAtOnce: 8 },
  };
  await forEachConcurrently(jobs, limit, async (job) => {
    await transferObject(context, job);
  });
  return jobs.length;
}

const done = mode === 'list' ? await list() : mode === 'diff' ? (await find()).length : await copy(Number(atOnce));
process.stdout.write(`${done}\n`);
process.exit();
