import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { loadFiles } from './load.ts';
import { localNames } from './settings.ts';
import type { SourceFile } from './files.ts';
import { verifyFiles, type Mismatch } from './verify.ts';

/** What somebody outside the ferry does with a bucket, over HTTP like everybody. */
interface BucketWork {
  readonly kind: 'load' | 'verify';
  readonly endpoint: string;
  readonly bucket: string;
  readonly files: readonly SourceFile[];
}

type Message =
  | { readonly type: 'progress'; readonly objects: number; readonly bytes: number }
  | { readonly type: 'done'; readonly mismatches: readonly Mismatch[] };

/** Milliseconds between two messages of progress. */
const reportIntervalMillis = 100;

/** Threads an errand is shared out to: one alone does not keep two cores busy. */
const threadCount = 2;

/**
 * Loads or verifies files in threads of their own, so that the store and its users work side by side.
 * @param onProgress told of objects and bytes that came in addition
 * @returns what a verification found missing or different
 */
export async function runBucketWork(
  errand: BucketWork,
  onProgress: (more: { objects: number; bytes: number }) => void,
): Promise<readonly Mismatch[]> {
  const shares = Array.from({ length: threadCount }, (_, hand) =>
    errand.files.filter((_, index) => index % threadCount === hand),
  );
  const found = await Promise.all(shares.map((files) => runShare({ ...errand, files }, onProgress)));
  return found.flat();
}

async function runShare(
  errand: BucketWork,
  onProgress: (more: { objects: number; bytes: number }) => void,
): Promise<readonly Mismatch[]> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: errand,
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 512 },
  });
  let mismatches: readonly Mismatch[] | undefined;
  worker.on('message', (message: Message) => {
    if (message.type === 'progress') onProgress(message);
    else mismatches = message.mismatches;
  });
  // An error in the thread is thrown by `once`.
  await once(worker, 'exit');
  if (!mismatches) throw new Error(`the thread that was to ${errand.kind} ended before it was done`);
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
