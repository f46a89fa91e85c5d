import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PersonalityName } from '../../emulator/s3/index.ts';
import { Fault, isFault } from '../../shared/model/faults.ts';
import type { LossKind } from '../../shared/model/losses.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectAttributes } from '../../shared/model/object.ts';
import type { Task } from '../../shared/model/config/task.ts';
import { MemoryLedger } from '../../shared/ports/memory/ledger.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { TransferContext } from '../../shared/transfer/context.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { contextOf } from '../support/context.ts';
import { failureOf } from '../support/failure.ts';
import { bytesOf } from '../support/objects.ts';
import { runUpload } from '../support/upload-machine.ts';
import { expectedStores, isUpdate, writeStores, type Lost, type SeenStore } from './expectations.ts';
import { names, partBytes, sideAt, StoreWorld, taskAt } from './store-world.ts';

/** Each route with each attribute, to, inside and from each store: it is carried, or it is named as lost. */

const attributes: ObjectAttributes = {
  headers: {
    contentType: 'text/x-test',
    contentEncoding: 'br',
    contentLanguage: 'de',
    contentDisposition: 'attachment; filename="a b"',
    cacheControl: 'max-age=60',
    expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
    websiteRedirect: '/elsewhere',
  },
  metadata: { plain: 'blue', other: 'ü' },
  tags: { kind: 'a b', 'p+q': '1/2' },
};

/** The kind of loss that names each attribute. */
const kinds: Readonly<Record<string, LossKind>> = {
  'Content-Type': 'headers',
  'Content-Encoding': 'headers',
  'Content-Language': 'headers',
  'Content-Disposition': 'headers',
  'Cache-Control': 'headers',
  Expires: 'headers',
  metadata: 'metadata',
  'metadata outside ASCII': 'metadata',
  'website redirect': 'websiteRedirect',
  tags: 'tags',
  'storage class': 'storageClass',
  encryption: 'encryption',
  checksum: 'checksum',
};

/** What a task asks for. Its copies have it, or lack it. */
const settings = { storageClass: 'STANDARD_IA', checksumAlgorithm: 'CRC32C' };
const asked = ['storage class', 'checksum'];

const small = 1000;
const large = 2 * partBytes + 7;
const key = 'folder/a key ü.txt';

let world: StoreWorld;
beforeAll(async () => {
  world = await StoreWorld.open();
});
afterAll(() => world.close());

interface Way {
  readonly task: Task;
  readonly source: ObjectStore;
  readonly destination: ObjectStore;
  readonly ledger: MemoryLedger;
}

async function wayBetween(from: PersonalityName, to: PersonalityName, more: object = {}): Promise<Way> {
  const [source, destination] = [await world.bucket(from), await world.bucket(to)];
  const { destination: its = settings, ...rest } = more as { destination?: object };
  const task = taskAt(sideAt(from, source), { ...sideAt(to, destination), ...its }, rest);
  return {
    ...{ task, ledger: new MemoryLedger() },
    source: world.store(task.source),
    destination: world.store(task.destination),
  };
}

function contextAt({ task, source, destination, ledger }: Way): TransferContext {
  return contextOf(task, source, destination, { ledger });
}

/** Writes an object as another tool would: with what the store takes. */
async function seed(store: ObjectStore, at: string, size: number, inParts = false): Promise<void> {
  const { websiteRedirect: _not, ...headers } = attributes.headers;
  for (const given of [attributes, { ...attributes, headers }, { ...attributes, headers, tags: {} }]) {
    try {
      if (inParts) await upload(store, at, size, given);
      else await store.put(objectKey(at), { data: bytesOf(size), size }, given);
      return;
    } catch (error) {
      if (!isFault(error, 'NotSupported')) throw error;
    }
  }
  throw new Error(`${store.bucket} takes nothing`);
}

async function upload(store: ObjectStore, at: string, size: number, given: ObjectAttributes): Promise<void> {
  const { uploadId } = await store.createUpload(objectKey(at), given);
  const parts = [];
  for (let start = 0; start < size; start += partBytes) {
    const data = bytesOf(size).subarray(start, start + partBytes);
    parts.push(
      await store.uploadPart({ key: objectKey(at), uploadId, number: parts.length + 1 }, { data, size: data.length }),
    );
  }
  await store.completeUpload(objectKey(at), uploadId, parts, { size });
}

interface Route {
  readonly name: string;
  readonly size: number;
  /** the source's object is in parts */
  readonly inParts?: boolean;
  /** by the steps of the UPLOAD machine */
  readonly machine?: boolean;
}

const relays: readonly Route[] = [
  { name: 'one PUT', size: small },
  { name: 'in parts', size: large },
  { name: 'in parts, by the UPLOAD machine', size: large, machine: true },
  { name: 'in the parts of the source', size: large, inParts: true },
];

async function copy(way: Way, route: Route, at: string): Promise<void> {
  const job = { task: way.task.name, key: objectKey(at), action: 'copy' as const };
  if (route.machine) await runUpload(() => contextAt(way), job);
  else await transferObject(contextAt(way), job);
}

/** Copies an object. @returns the attributes that the copy lacks. A loss without a word fails the test */
async function lostOn(way: Way, route: Route): Promise<string[]> {
  await seed(way.source, key, route.size, route.inParts);
  await copy(way, route, key);
  const [there, here] = [await world.shown(way.source.bucket, key), await world.shown(way.destination.bucket, key)];
  const lost = Object.keys(kinds).filter((name) => {
    if (asked.includes(name)) return here[name] === '' && name in kinds;
    return there[name] !== '' && name !== 'encryption' && here[name] !== there[name];
  });
  const [entry] = way.ledger.entries();
  expect(entry).toMatchObject({ key, status: 'DONE' });
  const named = entry?.lost ?? [];
  expect([route.name, [...named].sort()]).toEqual([route.name, [...new Set(lost.map((name) => kinds[name]!))].sort()]);
  return lost;
}

async function lostOnEach(from: PersonalityName, to: PersonalityName, routes: readonly Route[]): Promise<Lost> {
  const result: Record<string, readonly string[]> = {};
  for (const route of routes) result[route.name] = await lostOn(await wayBetween(from, to), route);
  return result;
}

async function lostInside(name: PersonalityName): Promise<Lost> {
  const result: Record<string, readonly string[]> = {};
  for (const route of [
    { name: 'copied by the store', size: small },
    { name: 'in parts, copied by the store where it can', size: large },
  ]) {
    const way = await wayBetween(name, name, { serverSideCopy: 'auto', destination: {} });
    await seed(way.source, key, route.size);
    await copy(way, route, key);
    const [there, here] = [await world.shown(way.source.bucket, key), await world.shown(way.destination.bucket, key)];
    const lost = Object.keys(kinds).filter(
      (one) => !asked.includes(one) && there[one] !== '' && there[one] !== here[one],
    );
    const named = way.ledger.entries()[0]?.lost ?? [];
    expect([...named].sort()).toEqual([...new Set(lost.map((one) => kinds[one]!))].sort());
    result[route.name] = lost;
  }
  return result;
}

async function absentAt(name: PersonalityName): Promise<string[]> {
  const store = world.store(taskAt(sideAt(name, await world.bucket(name)), { bucket: 'other-bucket' }).source);
  await seed(store, key, small);
  const shown = await world.shown(store.bucket, key);
  return Object.keys(kinds).filter((one) => !asked.includes(one) && one !== 'encryption' && shown[one] === '');
}

describe('each route and attribute', () => {
  const seen: Record<string, SeenStore> = {};

  it.each(names)('with %s at either side', async (name) => {
    seen[name] = {
      to: await lostOnEach('aws', name, relays),
      inside: await lostInside(name),
      from: await lostOnEach(name, 'aws', relays),
      absent: await absentAt(name),
    };
    if (!isUpdate) expect(seen[name]).toEqual(expectedStores()[name]);
  });

  afterAll(async () => {
    if (isUpdate) await writeStores(seen);
  });
});

describe('a strict task', () => {
  it.each(names)('to %s writes nothing that the store was seen to lose', async (name) => {
    for (const route of relays.slice(0, 3)) {
      const way = await wayBetween('aws', name, { strict: true });
      // A process has one client for a store, and learns by it.
      for (const at of ['first', 'second', 'third']) await seed(way.source, at, route.size);
      const failures: (Error | undefined)[] = [];
      for (const at of ['first', 'second', 'third']) {
        const failure = await failureOf(copy(way, route, at)).catch(() => undefined);
        failures.push(failure);
      }
      if (failures[0] === undefined) {
        expect(failures).toEqual([undefined, undefined, undefined]);
        expect(way.ledger.entries().every(({ lost }) => lost === undefined)).toBe(true);
        continue;
      }
      for (const failure of failures) {
        expect(failure).toBeInstanceOf(Fault);
        expect([route.name, failure?.name]).toEqual([route.name, 'AttributeLost']);
      }
      for (const at of ['second', 'third']) expect(await way.destination.head(objectKey(at))).toBeUndefined();
    }
  });
});

describe('an encryption that a task asks for', () => {
  it.each(names)('of %s is kept, named as lost, or refused', async (name) => {
    const way = await wayBetween('aws', name, { destination: { encryption: { type: 'AES256' } } });
    await seed(way.source, key, small);
    try {
      await copy(way, relays[0]!, key);
    } catch (error) {
      expect(isFault(error, 'NotSupported', 'Refused')).toBe(true);
      return;
    }
    const { encryption } = await world.shown(way.destination.bucket, key);
    expect(way.ledger.entries()[0]?.lost?.includes('encryption') ?? false).toBe(encryption === '');
  });
});
