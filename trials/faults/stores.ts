import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  httpServerOptions,
  openS3Server,
  personalities,
  type Fault,
  type FaultHook,
  type FinishedRequest,
  type PersonalityName,
  type RequestInfo,
  type S3Server,
} from '../../emulator/s3/index.ts';
import { RenewableKeys } from '../../shared/aws/credentials/key-source.ts';
import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import type { Side } from '../../shared/model/config/task.ts';
import type { StoreName } from '../../shared/model/stores/stores.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { Writes } from './writes.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };

/** The faults of the server, and what it counted. */
export class Watch {
  /** decides the fault of each request */
  fault: FaultHook = () => undefined;
  /** requests with a fault */
  injected = 0;
  /** the writes at the destination */
  writes = new Writes();
  /** requests that are answered with 200 and an error */
  readonly #failing = new Set<string>();

  /** Starts counting from zero. */
  forget(): void {
    this.injected = 0;
    this.writes = new Writes();
  }

  inject(request: Parameters<FaultHook>[0]): Fault | undefined {
    const fault = this.fault(request);
    if (fault) this.injected++;
    if (request.bucket !== 'destination') return fault;
    if (fault?.kind === 'lose-answer') this.writes.took(request);
    if (fault?.kind === 'status' && fault.status === 200) this.#failing.add(identityOf(request));
    return fault;
  }

  see(request: FinishedRequest): void {
    // Other refusals than injected ones come only from a wrong clock.
    if (request.status === 403) this.injected++;
    const failed = this.#failing.delete(identityOf(request));
    if (request.bucket === 'destination') this.writes.see(failed ? { ...request, status: 500 } : request);
  }
}

function identityOf({ operation, key, partNumber }: RequestInfo): string {
  return `${operation} ${key} ${partNumber ?? ''}`;
}

/** A store that is known to the product, and has a personality. */
export type StoreKind = StoreName & PersonalityName;

export interface StoreKinds {
  readonly source: StoreKind;
  readonly destination: StoreKind;
}

export const s3Itself: StoreKinds = { source: 'aws', destination: 'aws' };

interface Opened {
  readonly watch: Watch;
  readonly directory: string;
  readonly s3: S3Server;
  readonly server: Server;
  readonly kinds: StoreKinds;
}

/**
 * The emulated S3 on loopback with the buckets `source` and `destination`, and the product's clients of both. Use it to
 * move many objects while requests fail.
 */
export class Stores {
  readonly watch: Watch;
  readonly endpoint: string;
  source: ObjectStore;
  destination: ObjectStore;
  readonly #directory: string;
  readonly #kinds: StoreKinds;
  readonly #s3: S3Server;
  readonly #server: Server;
  readonly #clients: S3Client[] = [];

  private constructor({ watch, directory, s3, server, kinds }: Opened) {
    this.watch = watch;
    this.#kinds = kinds;
    this.#directory = directory;
    this.#s3 = s3;
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const bucket of ['source', 'destination']) s3.createBucket(bucket);
    this.source = this.#store('source');
    this.destination = this.#store('destination');
  }

  /**
   * @param kinds of store that the buckets are at; by default S3
   * @param clockAhead milliseconds by which the server's clock is ahead
   */
  static async open(kinds: StoreKinds = s3Itself, clockAhead = 0): Promise<Stores> {
    const directory = mkdtempSync(join(tmpdir(), 's3-ferry-faults-'));
    const watch = new Watch();
    const s3 = await openS3Server({
      dataDirectory: directory,
      credentials: new Map([[keys.accessKeyId, keys.secretAccessKey]]),
      now: () => Date.now() + clockAhead,
      personality: (bucket) => personalities[bucket === 'source' ? kinds.source : kinds.destination],
      fault: (request) => watch.inject(request),
      onRequest: (request) => watch.see(request),
    });
    const server = createServer(httpServerOptions, (request, response) => void s3.handle(request, response));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return new Stores({ watch, directory, s3, server, kinds });
  }

  /** Replaces the clients by new ones, which have seen no answer yet. */
  renewClients(): void {
    this.source = this.#store('source');
    this.destination = this.#store('destination');
  }

  #store(bucket: keyof StoreKinds): ObjectStore {
    const place = { bucket, prefix: '', region: 'us-east-1', endpoint: this.endpoint };
    const side: Side = { ...place, store: this.#kinds[bucket], requestPayer: false };
    // Keys like a role's: a store may refuse them at any time, and then new ones are read.
    let reads = 0;
    const source = new RenewableKeys(() => Promise.resolve({ ...keys, sessionToken: `token ${++reads}` }));
    const client = createS3Client(side, source);
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
