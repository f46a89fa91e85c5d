import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpServerOptions, openS3Server, type RequestInfo } from '../../emulator/s3/index.ts';
import { localNames } from '../../local/run/settings.ts';

/**
 * The store of both sides as a process of its own, so it outlives the killed processes. It counts what it receives.
 * Argument: the data directory. Answers each message of its parent with {@link StoreCounts}; `reset` sets the count to
 * zero.
 */

export interface StoreCounts {
  readonly endpoint: string;
  /** bytes of parts for the destination, including requests that did not finish */
  readonly received: number;
  /** parts for the destination that were started */
  readonly begun: number;
  /** those of them that have not ended */
  readonly inFlight: number;
}

export type StoreQuestion = 'counts' | 'reset';

/** The trial itself, and the functions: their roles are of an account that this store does not know. */
const users = [localNames.credentials, localNames.otherAccount.credentials];
const underWay = new Set<string>();
let received = 0;
let begun = 0;

const isPart = ({ operation, bucket }: RequestInfo): boolean =>
  operation === 'UploadPart' && bucket === localNames.destinationBucket;
const nameOf = ({ uploadId, partNumber }: RequestInfo): string => `${uploadId ?? ''} ${partNumber ?? ''}`;

const s3 = await openS3Server({
  dataDirectory: process.argv[2] ?? '',
  region: localNames.region,
  credentials: new Map(users.map(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey])),
  // The parts' MD5s are compared; a second checksum of every gigabyte would only take time.
  defaultChecksum: false,
  fault: (request) => {
    if (isPart(request)) {
      begun++;
      underWay.add(nameOf(request));
    }
    return undefined;
  },
  onRequest: (request) => {
    if (!isPart(request)) return;
    received += request.bytesIn;
    underWay.delete(nameOf(request));
  },
});
const server = createServer(httpServerOptions, (request, response) => void s3.handle(request, response));
await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
for (const bucket of [localNames.sourceBucket, localNames.destinationBucket]) s3.createBucket(bucket);

const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const answer = (): void => {
  const counts: StoreCounts = { endpoint, received, begun, inFlight: underWay.size };
  process.send?.(counts);
};
process.on('message', (question: StoreQuestion) => {
  if (question === 'reset') received = 0;
  answer();
});
process.on('disconnect', () => process.exit(0));
answer();
