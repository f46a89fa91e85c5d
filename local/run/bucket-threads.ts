import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { loadFiles } from './load.ts';
import { localNames } from './settings.ts';
import type { SourceFile } from './files.ts';
import { verifyFiles, type Mismatch } from './verify.ts';

/** What a user does with a bucket, over HTTP: loads files into it, or verifies its objects. */
interface BucketWork {
  readonly kind: 'load' | 'verify';
  readonly endpoint: string;
  readonly bucket: string;
  readonly files: readonly SourceFile[];
}

type Message =
  | { readonly type: 'progress'; readonly objects: number; readonly bytes: number }
  | { readonly type: 'done'; readonly mismatches: readonly Mismatch[] };

/** How often a thread reports progress. */
const reportIntervalMillis = 100;

/** Threads that share the files: one alone does not keep two cores busy. */
const threadCount = 2;

/**
 * Loads or verifies files in threads of their own, so that the store and its users run side by side.
 * @param onProgress receives the objects and bytes since the last call
 * @returns the objects that a verification found missing or different
 */
export async function runBucketWork(
  work: BucketWork,
  onProgress: (more: { objects: number; bytes: number }) => void,
): Promise<readonly Mismatch[]> {
  const shares = Array.from({ length: threadCount }, (_, thread) =>
    work.files.filter((_, index) => index % threadCount === thread),
  );
  const found = await Promise.all(shares.map((files) => runShare({ ...work, files }, onProgress)));
  return found.flat();
}

async function runShare(
  work: BucketWork,
  onProgress: (more: { objects: number; bytes: number }) => void,
): Promise<readonly Mismatch[]> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: work,
    resourceLimits: { maxYoungGenerationSizeMb: 48, maxOldGenerationSizeMb: 512 },
  });
  let mismatches: readonly Mismatch[] | undefined;
  worker.on('message', (message: Message) => {
    if (message.type === 'progress') onProgress(message);
    else mismatches = message.mismatches;
  });
  // An error in the thread is thrown by `once`.
  await once(worker, 'exit');
  if (!mismatches) throw new Error(`the thread for "${work.kind}" ended before its work was done`);
  return mismatches;
}

async function run({ kind, endpoint, bucket, files }: BucketWork, send: (message: Message) => void): Promise<void> {
  const side = { bucket, prefix: '', region: localNames.region, endpoint, requestPayer: false };
  const client = createS3Client(side, localNames.credentials);
  const store = new S3ObjectStore(client, side);
  let since = { objects: 0, bytes: 0 };
  const report = (): void => {
    if (since.objects > 0) send({ type: 'progress', ...since });
    since = { objects: 0, bytes: 0 };
  };
  const count = (file: SourceFile): void => {
    since = { objects: since.objects + 1, bytes: since.bytes + file.size };
  };
  const timer = setInterval(report, reportIntervalMillis);
  try {
    const mismatches = kind === 'load' ? [] : await verifyFiles(store, files, count);
    if (kind === 'load') await loadFiles(store, files, count);
    report();
    send({ type: 'done', mismatches });
  } finally {
    clearInterval(timer);
    client.destroy();
  }
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  await run(workerData as BucketWork, (message) => port.postMessage(message));
}
