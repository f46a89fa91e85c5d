import { createCipheriv } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, S3ServiceException, type S3ClientConfig } from '@aws-sdk/client-s3';
import {
  httpServerOptions,
  openS3Server,
  type Fault,
  type FaultHook,
  type FinishedRequest,
  type Notification,
  type S3ServerOptions,
} from '../../s3/index.ts';

export const ACCESS_KEY = 'AKIDEXAMPLE';
export const SECRET_KEY = 'secret/EXAMPLE+key';

/** A running server, its directory, and the requests and notifications so far. */
export interface Harness {
  readonly port: number;
  readonly endpoint: string;
  readonly dataDirectory: string;
  readonly requests: FinishedRequest[];
  readonly notifications: Notification[];
  /** Called for each request; replace it to inject faults. */
  fault: FaultHook;
  client(config?: S3ClientConfig): S3Client;
  /** Reopens the server over the same directory, on a new port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server on a free loopback port, over a new directory that `stop` removes. */
export async function startServer(options: Partial<S3ServerOptions> = {}): Promise<Harness> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 's3-server-'));
  const clients: S3Client[] = [];
  const requests: FinishedRequest[] = [];
  const notifications: Notification[] = [];
  const open = async (): Promise<{ port: number; close: () => Promise<void> }> => {
    const s3 = await openS3Server({
      dataDirectory,
      credentials: new Map([[ACCESS_KEY, SECRET_KEY]]),
      fault: (request) => harness.fault(request),
      onRequest: (request) => requests.push(request),
      onEvent: (notification) => void notifications.push(notification),
      ...options,
    });
    const server = createServer(httpServerOptions, (req, res) => void s3.handle(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      port: (server.address() as AddressInfo).port,
      close: async () => {
        clients.splice(0).forEach((client) => client.destroy());
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
        await s3.close();
      },
    };
  };
  let current: Awaited<ReturnType<typeof open>> | undefined;
  const running = (): Awaited<ReturnType<typeof open>> => {
    if (current === undefined) throw new Error('not running');
    return current;
  };
  const harness: Harness = {
    get port() {
      return running().port;
    },
    get endpoint() {
      return `http://127.0.0.1:${running().port}`;
    },
    dataDirectory,
    requests,
    notifications,
    fault: () => undefined,
    client: (config = {}) => {
      const client = new S3Client({
        endpoint: harness.endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
        ...config,
      });
      clients.push(client);
      return client;
    },
    restart: async () => {
      await running().close();
      current = await open();
    },
    stop: async () => {
      await running().close();
      await rm(dataDirectory, { recursive: true });
    },
  };
  current = await open();
  return harness;
}

/** For a client that adds no checksums unless required; stores other than AWS need this. */
export const plain: S3ClientConfig = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
};

/** The name and status of the S3 error of a failed request. @throws Error if the request succeeds */
export async function failure(request: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof S3ServiceException) return { name: error.name, status: error.$metadata.httpStatusCode };
    throw error;
  }
  throw new Error('The request succeeded');
}

/** Injects a fault into the first request of this operation only. */
export function once(operation: string, fault: Fault): FaultHook {
  let done = false;
  return (request) => {
    if (done || request.operation !== operation) return undefined;
    done = true;
    return fault;
  };
}

/** Bytes without a pattern, the same for the same seed. */
export function bytes(length: number, seed = 1): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(length));
}
