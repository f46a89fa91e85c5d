import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import { Outbox } from './events/outbox.ts';
import { Publisher } from './events/publisher.ts';
import type { SecretLookup } from './http/signature.ts';
import { handleRequest, type Hooks } from './listener.ts';
import { makeBucket } from './operations/buckets.ts';
import type { Server } from './call.ts';
import type { S3ServerOptions } from './options.ts';
import { aws } from './personalities/aws.ts';
import { Storage } from './store/storage.ts';

/** An S3 server over a directory. */
export interface S3Server {
  /** A request listener for `node:http`. Resolves when the request has ended; never rejects. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /**
   * Creates a bucket unless it exists.
   * @throws S3Error InvalidBucketName
   */
  createBucket(name: string, region?: string): void;
  /** Waits for requests and deliveries in progress, then closes the index. Close the http.Server first. */
  close(): Promise<void>;
}

/**
 * Options for the `http.Server` of the listener. By default, Node ends a request that takes longer than five minutes; a
 * part of 5 GiB may take longer.
 */
export const httpServerOptions: ServerOptions = { requestTimeout: 0, keepAliveTimeout: 60_000, noDelay: true };

/**
 * Opens an S3 server over a directory. Everything acknowledged earlier is there, even if the process was killed; what
 * was not acknowledged is removed.
 * @throws Error if another server has the directory open
 */
export async function openS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { credentials, onEvent, authorize, region = 'us-east-1', now = Date.now } = options;
  const onError = options.onError ?? ((error: unknown) => console.error(error));
  const storage = await Storage.open(options.dataDirectory, onError);
  const outbox = onEvent && new Outbox(storage.database, onEvent, onError);
  const { personality = aws } = options;
  const server: Server = {
    personalityOf: typeof personality === 'function' ? personality : () => personality,
    storage,
    now,
    region,
    defaultChecksum: (options.defaultChecksum ?? true) ? 'CRC64NVME' : null,
    publisher: new Publisher(outbox, now, onEvent),
    authorize: authorize ?? ((request) => request.accessKeyId !== undefined),
  };
  const hooks: Hooks = {
    lookup: typeof credentials === 'function' ? credentials : lookupIn(credentials),
    fault: options.fault,
    onRequest: options.onRequest,
    onError,
  };
  const active = new Set<Promise<void>>();
  outbox?.flush();
  return {
    handle: async (req, res) => {
      const request = handleRequest(req, res, server, hooks);
      active.add(request);
      await request;
      active.delete(request);
    },
    createBucket: (name, bucketRegion = region) => {
      if (storage.buckets.find(name) === undefined) makeBucket(server, name, bucketRegion);
    },
    close: async () => {
      await Promise.all(active);
      await outbox?.close();
      await storage.close();
    },
  };
}

function lookupIn(secrets: ReadonlyMap<string, string>): SecretLookup {
  return (accessKeyId) => {
    const secretAccessKey = secrets.get(accessKeyId);
    return secretAccessKey === undefined ? undefined : { secretAccessKey };
  };
}
