import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  httpServerOptions,
  openS3Server,
  type Fault,
  type FaultHook,
  type FinishedRequest,
  type S3Server,
} from '../../local/s3/index.ts';
import { createS3Client } from '../../shared/aws/s3-client.ts';
import { S3ObjectStore } from '../../shared/aws/s3-object-store.ts';
import type { Side } from '../../shared/model/task.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };

/** What the server saw and did. */
export class Watch {
  /** asked for every request; what it answers goes wrong */
  fault: FaultHook = () => undefined;
  /** requests that something was done to */
  injected = 0;
  /** bytes of bodies that reached the destination, of requests that succeeded and of those that failed */
  bytesSent = 0;

  inject(request: Parameters<FaultHook>[0]): Fault | undefined {
    const fault = this.fault(request);
    if (fault) this.injected++;
    return fault;
  }

  see({ bucket, operation, bytesIn }: FinishedRequest): void {
    if (bucket === 'destination' && (operation === 'PutObject' || operation === 'UploadPart'))
      this.bytesSent += bytesIn;
  }
}

/** A real S3 server on loopback with the buckets `source` and `destination`, and real clients of both. */
export class Stores {
  readonly watch: Watch;
  readonly endpoint: string;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly #directory: string;
  readonly #s3: S3Server;
  readonly #server: Server;
  readonly #clients: S3Client[] = [];

  private constructor(watch: Watch, directory: string, s3: S3Server, server: Server) {
    this.watch = watch;
    this.#directory = directory;
    this.#s3 = s3;
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const bucket of ['source', 'destination']) s3.createBucket(bucket);
    this.source = this.#store('source');
    this.destination = this.#store('destination');
  }

  static async open(): Promise<Stores> {
    const directory = mkdtempSync(join(tmpdir(), 's3-ferry-faults-'));
    const watch = new Watch();
    const s3 = await openS3Server({
      dataDirectory: directory,
      credentials: new Map([[keys.accessKeyId, keys.secretAccessKey]]),
      fault: (request) => watch.inject(request),
      onRequest: (request) => watch.see(request),
    });
    const server = createServer(httpServerOptions, (request, response) => void s3.handle(request, response));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return new Stores(watch, directory, s3, server);
  }

  #store(bucket: string): ObjectStore {
    const side: Side = { bucket, prefix: '', region: 'us-east-1', endpoint: this.endpoint, requestPayer: false };
    const client = createS3Client(side, keys);
    this.#clients.push(client);
    return new S3ObjectStore(client, side);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
    await this.#s3.close();
    rmSync(this.#directory, { recursive: true });
  }
}
