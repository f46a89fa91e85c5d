import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  httpServerOptions,
  openS3Server,
  type FaultHook,
  type FinishedRequest,
  type S3ServerOptions,
} from '../../emulator/s3/index.ts';

export const localKeys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/EXAMPLE+key', region: 'us-east-1' };

export interface LocalS3 {
  readonly endpoint: string;
  readonly requests: FinishedRequest[];
  /** connections that were opened so far */
  readonly connections: number;
  /** secret access keys by access key ID; a change rotates them */
  readonly keys: Map<string, string>;
  fault: FaultHook;
  createBucket(name: string): void;
  close(): Promise<void>;
}

export interface LocalS3Options {
  /** the certificate of an endpoint over TLS, with its key */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** of the store, or of each bucket's; by default S3 */
  readonly personality?: S3ServerOptions['personality'];
}

/**
 * The local endpoint's S3 server on a free port of loopback, over a directory that `close` removes.
 */
export async function startLocalS3({ tls, personality }: LocalS3Options = {}): Promise<LocalS3> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 's3-ferry-contract-'));
  const requests: FinishedRequest[] = [];
  const keys = new Map([[localKeys.accessKeyId, localKeys.secretAccessKey]]);
  const s3 = await openS3Server({
    dataDirectory,
    credentials: keys,
    ...(personality && { personality }),
    fault: (request) => local.fault(request),
    onRequest: (request) => requests.push(request),
  });
  const listener: RequestListener = (req, res) => void s3.handle(req, res);
  const server = tls
    ? createSecureServer({ ...httpServerOptions, ...tls }, listener)
    : createServer(httpServerOptions, listener);
  let connections = 0;
  server.on(tls ? 'secureConnection' : 'connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const local: LocalS3 = {
    endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return connections;
    },
    keys,
    fault: () => undefined,
    createBucket: (name) => s3.createBucket(name),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await s3.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
  return local;
}
