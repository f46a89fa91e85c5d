import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { networkOf, type Network } from '../../../../shared/aws/http/connections.ts';
import { BoundedHttpHandler, type HandlerOptions } from '../../../../shared/aws/http/handler.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../../../shared/aws/s3/object-store.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { parseTask } from '../../../../shared/model/config/task.ts';
import { MiB } from '../../../../shared/model/limits.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { certificate, privateAuthority, storeCertificate } from '../../../support/certificate.ts';
import { startConnectProxy, type ConnectProxy, type ProxyOptions } from '../../../support/connect-proxy.ts';
import { contextOf } from '../../../support/context.ts';
import { localKeys, startLocalS3, type LocalS3 } from '../../../support/local-s3.ts';
import { bytesOf, noAttributes } from '../../../support/objects.ts';
import { until } from '../../../support/until.ts';

/** Real sockets: a client, a proxy on loopback, and behind it a store over TLS whose authority is a private one. */

const data = bytesOf(16 * MiB);
const user = 'ferry';
const password = 'never/shown';

let s3: LocalS3;
let proxy: ConnectProxy;
let handlers: BoundedHttpHandler[];

/** The store by a name that only the proxy knows. */
const nameOf = (): string => s3.endpoint.replace('127.0.0.1', 'store.example');

function open(bucket: string, options: Partial<HandlerOptions> = {}): S3ObjectStore {
  const side = { bucket, prefix: '', region: 'us-east-1', endpoint: nameOf(), requestPayer: false };
  const made = { forcePathStyle: true, ...side };
  const network: Network = networkOf({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url });
  const settings = { maxSockets: 50, checkEveryMillis: 50, network, authorities: [privateAuthority], ...options };
  const handler = new BoundedHttpHandler(settings);
  handlers.push(handler);
  return new S3ObjectStore(createS3Client(made, localKeys, handler), made);
}

async function restartProxy(options: ProxyOptions): Promise<void> {
  await proxy.close();
  proxy = await startConnectProxy(options);
}

async function read(store: S3ObjectStore, key: string): Promise<Buffer> {
  const opened = await store.get(objectKey(key));
  if (!opened) throw new Error(`${key} is not there`);
  return buffer(opened.body);
}

/** The message of the fault that a call ends with. */
async function faultOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  return String(error);
}

beforeEach(async () => {
  handlers = [];
  s3 = await startLocalS3({ tls: storeCertificate });
  for (const bucket of ['bucket', 'copies']) s3.createBucket(bucket);
  proxy = await startConnectProxy();
});

afterEach(async () => {
  for (const handler of handlers) handler.destroy();
  await proxy.close();
  await s3.close();
});

describe('through a proxy', () => {
  it('moves objects whole, in one request and in parts, over few tunnels, which are used again', async () => {
    const task = parseTask(
      JSON.stringify({
        name: 'proxied',
        source: { bucket: 'bucket', endpoint: nameOf() },
        destination: { bucket: 'copies', endpoint: nameOf() },
        largeObjectThreshold: 5 * MiB,
        partSize: 5 * MiB,
        serverSideCopy: 'never',
      }),
      'task',
    );
    const [source, destination] = [open('bucket'), open('copies')];
    for (const size of [0, 1, 300_000, 16 * MiB]) {
      const key = objectKey(`of ${size}/../x`);
      await source.put(key, { data: data.subarray(0, size), size }, noAttributes);
      await transferObject(contextOf(task, source, destination), {
        task: task.name,
        key: objectKey(key),
        action: 'copy',
        size,
      });
      expect((await read(destination, key)).equals(data.subarray(0, size))).toBe(true);
    }
    expect(s3.requests.length).toBeGreaterThan(20);
    expect(new Set(proxy.targets)).toEqual(new Set([nameOf().replace('https://', '')]));
    expect(proxy.targets.length).toBe(s3.connections);
    expect(s3.connections).toBeLessThan(10);
  });

  it('opens a tunnel for an http endpoint too: no proxy sees or answers a request', async () => {
    await s3.close();
    s3 = await startLocalS3();
    s3.createBucket('bucket');
    const store = open('bucket');
    await store.put(objectKey('a/../b'), { data: Buffer.from('dots'), size: 4 }, noAttributes);
    expect((await read(store, 'a/../b')).toString()).toBe('dots');
    expect(proxy.targets).toEqual([nameOf().replace('http://', '')]);
    expect(proxy.others).toEqual([]);
  });

  it('uses a proxy over TLS, with user and password', async () => {
    await restartProxy({ user, password, tls: certificate });
    const network = { ...networkOf({ HTTPS_PROXY: proxy.url }), authorities: [certificate.cert] };
    const store = open('bucket', { network });
    await store.put(objectKey('key'), { data, size: data.length }, noAttributes);
    expect((await read(store, 'key')).equals(data)).toBe(true);
    expect(proxy.targets.length).toBe(1);
  });

  it('keeps a tunnel that moves bytes slowly for longer than one may take to open', async () => {
    proxy.behaviour = () => ({ bytesPerTenth: 60_000, answerAfterMillis: 50 });
    const store = open('bucket', { times: { connecting: 1000 } });
    await store.put(objectKey('key'), { data: data.subarray(0, MiB), size: MiB }, noAttributes);
    expect(s3.requests.map(({ operation }) => operation)).toEqual(['PutObject']);
    expect(proxy.targets.length).toBe(1);
  });

  it('says where user and password belong if the proxy asks for them, and never shows them', async () => {
    await restartProxy({ user, password });
    const bare = networkOf({ HTTPS_PROXY: proxy.url.replace(/\/\/.*@/, '//') });
    expect(await faultOf(open('bucket', { network: bare }).head(objectKey('key')))).toMatch(
      /^CredentialsRefused: .*ProxyLoginRefused.* the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) answered .* with 407: it asks for user and password/,
    );
    const wrong = networkOf({ https_proxy: proxy.url.replace('shown', 'wrong') });
    const fault = await faultOf(open('bucket', { network: wrong }).head(objectKey('key')));
    expect(fault).toMatch(/\(https_proxy\) .* with 407: it does not accept the user and password/);
    expect(fault).not.toMatch(/never|wrong/);
    expect(proxy.targets.length).toBe(2);
  });

  it('does not take the answer of a proxy for one of the store', async () => {
    for (const status of [403, 404]) {
      proxy.behaviour = () => ({ status });
      expect(await faultOf(open('bucket').head(objectKey('key')))).toMatch(
        new RegExp(
          `^Unavailable: .*ProxyRefused.* with ${status}: it must permit this host and port, or NO_PROXY must list`,
        ),
      );
    }
    expect(s3.requests).toEqual([]);
  });

  it('tries again if the proxy does not reach the store, or closes the connection', async () => {
    const troubles = [{ status: 503 }, { close: true }, { status: 502 }] as const;
    proxy.behaviour = (index) => troubles[index] ?? {};
    const store = open('bucket');
    await store.put(objectKey('key'), { data: Buffer.from('x'), size: 1 }, noAttributes);
    expect(proxy.targets.length).toBe(4);
    expect((await read(store, 'key')).toString()).toBe('x');
  });

  it('names a proxy that never reaches the store', async () => {
    proxy.behaviour = () => ({ status: 503 });
    expect(await faultOf(open('bucket').head(objectKey('key')))).toMatch(
      /^Unavailable: .*the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) answered CONNECT store\.example:\d+ with 503/,
    );
    expect(proxy.targets.length).toBe(5);
  });

  it('names a proxy that is not there', async () => {
    const gone = networkOf({ HTTPS_PROXY: 'http://proxy.invalid:3128' });
    expect(await faultOf(open('bucket', { network: gone }).head(objectKey('key')))).toMatch(
      /^Unavailable: .*the proxy http:\/\/proxy\.invalid:3128 \(HTTPS_PROXY\): .*ENOTFOUND|EAI_AGAIN/,
    );
  });

  it.each([{ answerAfterMillis: Infinity }, { silent: true }] as const)(
    'ends what does not open in time (%o), tries again, and leaves no socket',
    async (trouble) => {
      proxy.behaviour = (index) => (index === 0 ? trouble : {});
      const store = open('bucket', { times: { connecting: 400 } });
      await store.put(objectKey('key'), { data: Buffer.from('x'), size: 1 }, noAttributes);
      // On a busy machine, honest answers may be late as well.
      expect(proxy.targets.length).toBeGreaterThanOrEqual(2);
      proxy.behaviour = () => trouble;
      const fresh = open('bucket', { times: { connecting: 100 } });
      expect(await faultOf(fresh.head(objectKey('key')))).toMatch(
        /no connection through the proxy .* \(HTTPS_PROXY\) within 0\.1 s/,
      );
      await until(() => handlers.every(({ sockets }) => sockets.busy === 0), { every: 5 });
    },
  );

  it('sends a part again whose tunnel dies half way', async () => {
    proxy.behaviour = (index) => (index === 0 ? { resetAfterBytes: MiB } : {});
    const store = open('bucket');
    await store.put(objectKey('key'), { data, size: data.length }, noAttributes);
    expect(proxy.targets.length).toBe(2);
    expect((await read(store, 'key')).equals(data)).toBe(true);
  });

  it('closes a tunnel that is being opened when its client ends', async () => {
    proxy.behaviour = () => ({ answerAfterMillis: Infinity });
    const call = faultOf(open('bucket').head(objectKey('key')));
    await until(() => proxy.targets.length === 1, { every: 5 });
    handlers[0]?.destroy();
    expect(await call).toMatch(/^Unavailable: /);
  });

  it('calls what NO_PROXY lists directly', async () => {
    const network = networkOf({ HTTPS_PROXY: proxy.url, NO_PROXY: 'store.example' });
    // Directly, the name leads nowhere.
    expect(await faultOf(open('bucket', { network }).head(objectKey('key')))).toMatch(/^Unavailable: .*store\.example/);
    expect(proxy.targets).toEqual([]);
  });
});

describe('a private authority', () => {
  it('is that of one side, and no other is trusted there', async () => {
    const head = (authorities: readonly string[] | undefined): Promise<string> =>
      faultOf(open('bucket', { authorities }).head(objectKey('key')));
    expect(await head([privateAuthority])).toBe('Error: it succeeded');
    const before = s3.requests.length;
    const untrusted =
      /^Unavailable: .*certificate.* \(if its authority is your own: certificateAuthority in the task, or AWS_CA_BUNDLE/;
    expect(await head(undefined)).toMatch(untrusted);
    expect(await head([certificate.cert])).toMatch(untrusted);
    expect(s3.requests.length).toBe(before);
  });

  it('of a task reaches the client of its side', async () => {
    const previous = process.env;
    process.env = { ...previous, https_proxy: proxy.url };
    const side = { bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint: nameOf(), requestPayer: false };
    const own = { ...side, forcePathStyle: true, certificateAuthority: privateAuthority };
    const client = createS3Client(own, localKeys);
    process.env = previous;
    expect(await new S3ObjectStore(client, own).head(objectKey('key'))).toBeUndefined();
    client.destroy();
  });

  it('comes from the file of AWS_CA_BUNDLE for every client', async () => {
    const directory = await mkdtemp(join(tmpdir(), 's3-ferry-authority-'));
    const bundle = join(directory, 'bundle.pem');
    await writeFile(bundle, `# two\n${certificate.cert}\n${privateAuthority}\n`);
    const network = networkOf({ HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: bundle });
    expect(await open('bucket', { network, authorities: undefined }).head(objectKey('key'))).toBeUndefined();
    expect(network.authorities?.length).toBe(2);
    const empty = join(directory, 'empty.pem');
    await writeFile(empty, certificate.key);
    expect(() => networkOf({ AWS_CA_BUNDLE: empty })).toThrow(/AWS_CA_BUNDLE: found ".*" \(no certificate in it\)/);
    expect(() => networkOf({ AWS_CA_BUNDLE: join(directory, 'none') })).toThrow(
      /ENOENT.*expected a file of certificates/,
    );
    await rm(directory, { recursive: true });
  });
});
