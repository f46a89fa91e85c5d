import { afterEach, beforeEach } from '@jest/globals';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { HostileStore, type Asked, type Reply } from './hostile-store.ts';
import { noAttributes } from './objects.ts';

/** Every call that the core makes to a store, and the hosts that answer them. */

const three = { data: Buffer.from('abc'), size: 3 };
const from = { bucket: 'source', key: objectKey('k'), etag: 'e' };
const part = { key: objectKey('k'), uploadId: 'U', number: 1 };

export async function listAll(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const page of store.list({ prefix: '' })) count += page.length;
  return count;
}

/** Every call that the core makes. */
export const calls: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['HeadBucket', (store) => store.checkBucket()],
  ['ListObjectsV2', listAll],
  ['HeadObject', (store) => store.head(objectKey('k'))],
  ['GetObject', (store) => store.get(objectKey('k'), { ifMatch: 'e' })],
  ['GetObjectTagging', (store) => store.tags(objectKey('k'))],
  ['PutObject', (store) => store.put(objectKey('k'), three, noAttributes)],
  ['DeleteObject', (store) => store.delete(objectKey('k'))],
  ['CopyObject', (store) => store.copy(from, objectKey('k'), noAttributes)],
  ['CreateMultipartUpload', (store) => store.createUpload(objectKey('k'), noAttributes)],
  ['UploadPart', (store) => store.uploadPart(part, three)],
  ['UploadPartCopy', (store) => store.copyPart(part, from, 0, 3)],
  ['ListParts', (store) => store.listParts(objectKey('k'), 'U')],
  ['ListMultipartUploads', async (store) => store.listUploads('')[Symbol.asyncIterator]().next()],
  ['CompleteMultipartUpload', (store) => store.completeUpload(objectKey('k'), 'U', [], { size: 3 })],
  ['AbortMultipartUpload', (store) => store.abortUpload(objectKey('k'), 'U')],
];
/** Those whose answer is a document. */
export const documents = calls.filter(([name]) =>
  /^(List|GetObjectTagging|CopyObject|Create|UploadPartCopy|Complete)/.test(name),
);

/** What is open during one test. */
export interface Hosts {
  hostile: HostileStore;
  /** another host, which no client may contact */
  other: HostileStore;
  /** @returns the client's store, whose requests all get this answer */
  answerWith(answer: Reply | ((asked: Asked) => Reply)): ObjectStore;
}

/** Opens two new hosts for each test of the file. */
export function hostsOfEachTest(): Hosts {
  const hosts = {
    answerWith(answer) {
      hosts.hostile.answer = typeof answer === 'function' ? answer : () => answer;
      return hosts.hostile.store();
    },
  } as Hosts;
  beforeEach(async () => {
    hosts.other = await HostileStore.open(() => ({ body: 'caught' }));
    hosts.hostile = await HostileStore.open();
  });
  afterEach(async () => {
    await hosts.hostile.close();
    await hosts.other.close();
  });
  return hosts;
}
