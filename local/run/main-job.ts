import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../shared/model/faults.ts';
import type { WorkerMode } from '../../shared/model/config/settings.ts';
import { visible } from '../../shared/model/text.ts';
import type { FinishedRequest } from '../../emulator/s3/index.ts';
import { LocalPipeline } from './local-pipeline.ts';
import { listFiles, type SourceFile } from './files.ts';
import { openLog } from './log.ts';
import { runBucketWork } from './bucket-threads.ts';
import type { Report } from './report.ts';
import { Runs, sleep } from './runs.ts';
import { PhaseProgress } from './phase.ts';
import { checkPort, isInside, localNames } from './settings.ts';
import { synthesize, writeConfiguration } from './synthesize.ts';
import { LocalWorker } from './workers.ts';

export interface MainJobOptions {
  /** the files to move */
  readonly from: string;
  readonly dataDirectory: string;
  /** bytes */
  readonly threshold: number;
  /** bytes */
  readonly partSize: number;
  /** who takes jobs from the queue */
  readonly workerMode: WorkerMode;
  /** 0 takes any free one */
  readonly port: number;
  /** where progress is shown */
  readonly out: NodeJS.WriteStream;
}

/** Milliseconds after which a new object counts as lost on the event path. */
const eventTimeoutMillis = 30_000;

/**
 * The main job, end to end: files into the source bucket, the stack deployed beside it, one run, every object read
 * back, one new object over the event path, and a second run that is to find nothing.
 * @returns what happened; `isGood` of report.ts says if that is good
 */
export async function runMainJob(options: MainJobOptions): Promise<Report> {
  const { from, dataDirectory, threshold, workerMode, out } = options;
  if (isInside(dataDirectory, from)) {
    throw new Fault(
      'InvalidInput',
      `--data: found "${dataDirectory}", which is inside --from "${from}"; expected a directory outside it`,
    );
  }
  const say = (line: string): void => void out.write(`${line}\n`);
  await checkPort(options.port);
  const files = await listFiles(from, (path, why) => say(`left out: ${visible(path)} (${why})`));
  if (files.length === 0) throw new Fault('InvalidInput', `--from: found no files in "${from}", expected at least one`);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const totals = { objects: files.length, bytes };

  const configuration = writeConfiguration(dataDirectory, [localTask(options)], { workerMode });
  const assembly = join(dataDirectory, 'cdk.out');
  const arrivals = new Arrivals();
  const log = openLog(join(dataDirectory, 'functions.log'));
  const ferry = await LocalPipeline.open({
    dataDirectory,
    configuration,
    port: options.port,
    onRequest: (request) => arrivals.see(request),
    onLog: log.write,
    onNote: (line) => log.write({ functionName: 'deployment', text: `${line}\n` }),
  });
  let runs: Runs | undefined;
  let worker: LocalWorker | undefined;
  try {
    // Before the files are loaded, not meanwhile: the CDK alone takes 400 MB.
    await synthesize(configuration, assembly);
    const loading = new PhaseProgress('load', totals, out);
    const loadErrand = { kind: 'load', endpoint: ferry.storeEndpoint, bucket: localNames.sourceBucket, files } as const;
    await runBucketWork(loadErrand, (more) => loading.add(more));
    const load = loading.end();

    const aws = await ferry.deploy(assembly);
    say(
      `deployed at ${aws.endpoint} (task "${localNames.task}": ${localNames.sourceBucket} -> ${localNames.destinationBucket})`,
    );
    if (ferry.workerMode !== 'lambda') worker = new LocalWorker(aws, assembly, {}, log.write);
    runs = new Runs(aws);
    const syncing = new PhaseProgress('sync', totals, out);
    arrivals.listen((objects, sent) => syncing.add({ objects, bytes: sent }));
    const counts = await runs.sync(localNames.task);
    await runs.waitUntilIdle();
    arrivals.listen(undefined);
    const sync = syncing.end();
    const copied = arrivals.distinct;

    const verifying = new PhaseProgress('verify', totals, out);
    const mismatches = await runBucketWork(
      { kind: 'verify', endpoint: ferry.storeEndpoint, bucket: localNames.destinationBucket, files },
      (more) => verifying.add(more),
    );
    const verify = verifying.end();

    const eventSeconds = await sendEvent(ferry, files);
    say(
      eventSeconds === null
        ? 'event   the new object did not arrive'
        : `event   a new object arrived after ${eventSeconds.toFixed(2)} s`,
    );
    await runs.waitUntilIdle();
    const second = await runs.sync(localNames.task);
    await runs.waitUntilIdle();
    say(`again   a second run found ${second.jobs} objects to send`);

    return {
      objects: files.length,
      bytes,
      small: files.filter((file) => file.size <= threshold).length,
      large: files.filter((file) => file.size > threshold).length,
      listed: counts.listed,
      jobs: counts.jobs,
      copied,
      executions: await runs.uploads('SUCCEEDED'),
      failed: await runs.deadLetters(),
      verified: files.length - mismatches.length,
      mismatched: mismatches.length,
      mismatches,
      bytesSent: arrivals.bytes,
      secondRunJobs: second.jobs,
      eventSeconds,
      seconds: { load, sync, verify },
    };
  } finally {
    runs?.close();
    await worker?.stop();
    await ferry.close();
    await log.close();
    rmSync(assembly, { recursive: true, force: true });
  }
}

/** The task of the main job: two accounts in small, the destination with credentials of its own. */
export function localTask({ threshold, partSize }: Pick<MainJobOptions, 'threshold' | 'partSize'>): object {
  return {
    name: localNames.task,
    source: { bucket: localNames.sourceBucket },
    destination: {
      bucket: localNames.destinationBucket,
      credentials: { ssmParameter: localNames.credentialsParameter },
    },
    events: 'create',
    largeObjectThreshold: threshold,
    partSize,
  };
}

/** Puts one new object and waits for it on the other side. @returns seconds, or null where it did not come */
async function sendEvent(ferry: LocalPipeline, files: readonly SourceFile[]): Promise<number | null> {
  const taken = new Set(files.map((file) => file.key));
  let key = `s3-ferry event ${new Date().toISOString()}.txt`;
  while (taken.has(key)) key = `_${key}`;
  const data = Buffer.from(`A new object, put at ${new Date().toISOString()}.\n`);
  const started = Date.now();
  await ferry
    .store(localNames.sourceBucket)
    .put(key, { data, size: data.length }, { headers: {}, metadata: {}, tags: {} });
  const destination = ferry.store(localNames.destinationBucket);
  while (Date.now() - started < eventTimeoutMillis) {
    const found = await destination.head(key);
    if (found?.size === data.length) return (Date.now() - started) / 1000;
    await sleep(20);
  }
  return null;
}

/** What the destination bucket confirmed: the store's own word, not the mover's. */
class Arrivals {
  readonly #keys = new Set<string>();
  #bytes = 0;
  #listener: ((objects: number, bytes: number) => void) | undefined;

  /** Objects that were written at least once. */
  get distinct(): number {
    return this.#keys.size;
  }

  /** Bytes of bodies and parts. */
  get bytes(): number {
    return this.#bytes;
  }

  listen(listener: ((objects: number, bytes: number) => void) | undefined): void {
    this.#listener = listener;
  }

  see({ bucket, operation, status, key, bytesIn }: FinishedRequest): void {
    if (bucket !== localNames.destinationBucket || status !== 200) return;
    const bytes = operation === 'PutObject' || operation === 'UploadPart' ? bytesIn : 0;
    const isWhole = operation === 'PutObject' || operation === 'CompleteMultipartUpload';
    const isNew = isWhole && !this.#keys.has(key);
    if (isNew) this.#keys.add(key);
    this.#bytes += bytes;
    if (isNew || bytes > 0) this.#listener?.(isNew ? 1 : 0, bytes);
  }
}
