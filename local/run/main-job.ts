import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../shared/model/faults.ts';
import type { WorkerMode } from '../../shared/model/config/settings.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { RunCounts } from '../../shared/model/run-counts.ts';
import { visible } from '../../shared/model/text.ts';
import { runBucketWork } from './bucket-threads.ts';
import { ConfirmedWrites } from './confirmed-writes.ts';
import { chooseFiles, listFiles, type SourceFile } from './files.ts';
import { LocalPipeline } from './local-pipeline.ts';
import { openLog } from './log.ts';
import { PhaseProgress } from './phase.ts';
import type { Report } from './report.ts';
import { Runs, sleep } from './runs.ts';
import { checkPort, isInside, localNames, projectDirectory } from './settings.ts';
import { synthesize, writeConfiguration } from './synthesize.ts';
import { Times } from './times.ts';
import type { Mismatch } from './verify.ts';
import { LocalWorker } from './workers.ts';

export interface MainJobOptions {
  /** the directory whose files are moved; undefined: some of this project's, see `chooseFiles` */
  readonly from: string | undefined;
  readonly dataDirectory: string;
  /** objects over this size, in bytes, are uploaded by a state machine */
  readonly threshold: number;
  /** part size in bytes, if the source has none */
  readonly partSize: number;
  /** which consumers receive jobs from the queue */
  readonly workerMode: WorkerMode;
  /** port of the endpoint; 0 takes any free port */
  readonly port: number;
  /** where progress is shown */
  readonly out: NodeJS.WriteStream;
}

/** What the phases of the job share. */
interface Job {
  readonly files: readonly SourceFile[];
  readonly totals: { readonly objects: number; readonly bytes: number };
  readonly pipeline: LocalPipeline;
  readonly writes: ConfirmedWrites;
  readonly out: NodeJS.WriteStream;
  readonly times: Times;
}

/** A new object that has not arrived over the event path after this time counts as lost. */
const eventTimeoutMillis = 30_000;
const eventPollMillis = 20;

/**
 * The main job, end to end: loads files into the source bucket, deploys the stack beside it, starts one run, reads
 * every object back, sends one new object over the event path, and starts a second run that must find nothing.
 * @returns what happened; `isGood` of report.ts says whether it is good
 * @throws Fault `InvalidInput` for a wrong option
 */
export async function runMainJob(options: MainJobOptions): Promise<Report> {
  const { dataDirectory, workerMode, out } = options;
  const files = await findFiles(options);
  const configuration = writeConfiguration(dataDirectory, [localTask(options)], { workerMode });
  const assembly = join(dataDirectory, 'cdk.out');
  const writes = new ConfirmedWrites();
  const log = openLog(join(dataDirectory, 'functions.log'));
  const pipeline = await LocalPipeline.open({
    dataDirectory,
    configuration,
    port: options.port,
    onRequest: (request) => writes.record(request),
    onLog: log.write,
    onNote: (line) => log.write({ functionName: 'deployment', text: `${line}\n` }),
  });
  const totals = { objects: files.length, bytes: files.reduce((sum, file) => sum + file.size, 0) };
  const times = new Times();
  const job: Job = { files, totals, pipeline, writes, out, times };
  let runs: Runs | undefined;
  let worker: LocalWorker | undefined;
  try {
    // Before the files are loaded, not at the same time: the CDK alone takes 400 MB.
    await times.of('prepare', () => synthesize(configuration, assembly));
    await times.of('load', () => loadSource(job));
    const aws = await times.of('deploy', () => pipeline.deploy(assembly));
    const { task, sourceBucket, destinationBucket } = localNames;
    say(out, `deployed at ${aws.endpoint} (task "${task}": ${sourceBucket} -> ${destinationBucket})`);
    if (pipeline.workerMode !== 'lambda') worker = new LocalWorker(aws, assembly, {}, log.write);
    const started = (runs = new Runs(aws));
    const counts = await times.of('sync', () => syncAll(job, started));
    const copied = writes.objects;
    const mismatches = await times.of('verify', () => verifyDestination(job));
    const eventSeconds = await times.of('event', () => sendEvent(job));
    const secondRunJobs = await times.of('again', () => syncAgain(job, started));
    return {
      ...totals,
      ...countBySize(files, options.threshold),
      listed: counts.listed,
      jobs: counts.jobs,
      copied,
      executions: await runs.uploads('SUCCEEDED'),
      failed: await runs.deadLetters(),
      verified: files.length - mismatches.length,
      mismatched: mismatches.length,
      mismatches,
      bytesSent: writes.bytes,
      secondRunJobs,
      eventSeconds,
      times: times.all,
    };
  } finally {
    runs?.close();
    await worker?.stop();
    await pipeline.close();
    await log.close();
    rmSync(assembly, { recursive: true, force: true });
  }
}

/** Checks the directories and the port before anything is written. @returns the files to move, at least one */
async function findFiles({ from, dataDirectory, port, out }: MainJobOptions): Promise<SourceFile[]> {
  if (from !== undefined && isInside(dataDirectory, from)) {
    throw new Fault(
      'InvalidInput',
      `--data: found "${dataDirectory}", which is inside --from "${from}"; expected a directory outside it`,
    );
  }
  await checkPort(port);
  const onSkip = (path: string, why: string): void => say(out, `left out: ${visible(path)} (${why})`);
  if (from === undefined) return chooseFiles(join(projectDirectory, 'node_modules'), onSkip);
  const files = await listFiles(from, onSkip);
  if (files.length === 0) throw new Fault('InvalidInput', `--from: found no files in "${from}", expected at least one`);
  return files;
}

async function loadSource({ files, totals, pipeline, out }: Job): Promise<void> {
  const phase = new PhaseProgress('load', totals, out);
  const work = { kind: 'load', endpoint: pipeline.storeEndpoint, bucket: localNames.sourceBucket, files } as const;
  await runBucketWork(work, (more) => phase.add(more));
  phase.end();
}

/** One run of the task, until its last upload has ended. */
async function syncAll({ totals, writes, out }: Job, runs: Runs): Promise<RunCounts> {
  const phase = new PhaseProgress('sync', totals, out);
  writes.listen((more) => phase.add(more));
  const counts = await runs.sync(localNames.task);
  await runs.waitUntilIdle();
  writes.listen(undefined);
  phase.end();
  return counts;
}

/** Compares every object of the destination with its file. */
async function verifyDestination(job: Job): Promise<readonly Mismatch[]> {
  const { files, totals, pipeline, out } = job;
  const phase = new PhaseProgress('verify', totals, out);
  const bucket = localNames.destinationBucket;
  const work = { kind: 'verify', endpoint: pipeline.storeEndpoint, bucket, files } as const;
  const mismatches = await runBucketWork(work, (more) => phase.add(more));
  phase.end();
  return mismatches;
}

/** Puts one new object, and waits for it at the destination. @returns seconds, or null if it did not arrive */
async function sendEvent({ files, pipeline, out }: Job): Promise<number | null> {
  const keys = new Set(files.map((file) => file.key));
  let name = `s3-ferry event ${new Date().toISOString()}.txt`;
  while (keys.has(objectKey(name))) name = `_${name}`;
  const key = objectKey(name);
  const data = Buffer.from(`A new object, put at ${new Date().toISOString()}.\n`);
  const started = Date.now();
  await pipeline
    .store(localNames.sourceBucket)
    .put(key, { data, size: data.length }, { headers: {}, metadata: {}, tags: {} });
  const destination = pipeline.store(localNames.destinationBucket);
  while (Date.now() - started < eventTimeoutMillis) {
    const found = await destination.head(key);
    if (found?.size === data.length) {
      const seconds = (Date.now() - started) / 1000;
      say(out, `event   a new object arrived after ${seconds.toFixed(2)} s`);
      return seconds;
    }
    await sleep(eventPollMillis);
  }
  say(out, 'event   the new object did not arrive');
  return null;
}

/** A second run of the task. @returns the jobs that it sent */
async function syncAgain({ out }: Job, runs: Runs): Promise<number> {
  await runs.waitUntilIdle();
  const { jobs } = await runs.sync(localNames.task);
  await runs.waitUntilIdle();
  say(out, `again   a second run found ${jobs} objects to send`);
  return jobs;
}

function countBySize(files: readonly SourceFile[], threshold: number): { small: number; large: number } {
  const small = files.filter((file) => file.size <= threshold).length;
  return { small, large: files.length - small };
}

/** The task of the main job. Its destination has credentials of its own, as one in another account would. */
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

function say(out: NodeJS.WriteStream, line: string): void {
  out.write(`${line}\n`);
}
