import { describe, expect, it } from '@jest/globals';
import { isObjectKey, objectKey } from '../../shared/model/object-key.ts';
import { keyFilter } from '../../shared/model/config/key-filter.ts';
import { destinationKey, type Task } from '../../shared/model/config/task.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { wantsEvent } from '../../shared/transfer/consume-message.ts';
import { failureOf } from '../support/failure.ts';
import { noAttributes } from '../support/objects.ts';
import { hostsOfEachTest } from '../support/store-calls.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';
import { unchecked } from '../support/keys.ts';

/** A request without a key is about the bucket: a PUT creates it, a DELETE deletes it. None may ever be sent. */

const hosts = hostsOfEachTest();
const taskOf = (from: string, to: string): Task => ({
  ...taskBetweenEndpoints(),
  source: { bucket: 'source', prefix: from, requestPayer: false },
  destination: { bucket: 'destination', prefix: to, requestPayer: false },
  events: 'create-delete',
});

const empty = unchecked('');

describe('an empty key', () => {
  it.each([
    ['put', () => hosts.hostile.store().put(empty, { data: Buffer.alloc(0), size: 0 }, noAttributes)],
    ['delete', () => hosts.hostile.store().delete(empty)],
    ['head', () => hosts.hostile.store().head(empty)],
    ['get', () => hosts.hostile.store().get(empty)],
    ['tags', () => hosts.hostile.store().tags(empty)],
    ['createUpload', () => hosts.hostile.store().createUpload(empty, noAttributes)],
    ['abortUpload', () => hosts.hostile.store().abortUpload(empty, 'U')],
    ['listParts', () => hosts.hostile.store().listParts(empty, 'U')],
  ] as const)('causes no request: %s', async (_, call) => {
    expect(await failureOf(call())).toMatchObject({ name: 'InvalidInput' });
    expect(hosts.hostile.asked).toEqual([]);
  });
});

describe('a plain string', () => {
  const text: string = 'k';

  it('does not compile as a key', () => {
    const calls = (store: ObjectStore): unknown[] => [
      // @ts-expect-error: not a key
      store.head(text),
      // @ts-expect-error: not a key
      store.get(text),
      // @ts-expect-error: not a key
      store.tags(text),
      // @ts-expect-error: not a key
      store.put(text, { data: Buffer.alloc(0), size: 0 }, noAttributes),
      // @ts-expect-error: not a key
      store.delete(text),
      // @ts-expect-error: not a key
      store.copy({ bucket: 'b', key: objectKey('k'), etag: 'e' }, text, noAttributes),
      // @ts-expect-error: not a key
      store.copy({ bucket: 'b', key: text, etag: 'e' }, objectKey('k'), noAttributes),
      // @ts-expect-error: not a key
      store.createUpload(text, noAttributes),
      // @ts-expect-error: not a key
      store.uploadPart({ key: text, uploadId: 'U', number: 1 }, { data: Buffer.alloc(0), size: 0 }),
      // @ts-expect-error: not a key
      store.listParts(text, 'U'),
      // @ts-expect-error: not a key
      store.completeUpload(text, 'U', [], { size: 0 }),
      // @ts-expect-error: not a key
      store.abortUpload(text, 'U'),
    ];
    expect(calls).toBeDefined();
  });

  it.each(['', 'x'.repeat(1025), '\ud800'])('becomes a key by a check alone: %j is none', (wrong) => {
    expect(isObjectKey(wrong)).toBe(false);
    expect(() => objectKey(wrong)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });
});

describe('a folder marker that equals the prefix', () => {
  const event = { kind: 'removed', bucket: 'source', key: objectKey('photos/') } as const;

  it('is neither copied nor deleted if the destination has no prefix', () => {
    const task = taskOf('photos/', '');
    expect(keyFilter(task)('photos/')).toBe(false);
    expect(keyFilter(task)('photos/1.jpg')).toBe(true);
    expect(wantsEvent(task, event)).toBe(false);
    expect(wantsEvent(task, { ...event, key: objectKey('photos/1.jpg') })).toBe(true);
    expect(() => destinationKey(task, 'photos/')).toThrow(/nothing is left of it/);
  });

  it('at the destination is never deleted if the source has no prefix', () => {
    expect(keyFilter(taskOf('', 'mirror/'))('')).toBe(false);
  });

  it('is an object like any other if both sides have a prefix', () => {
    const task = taskOf('photos/', 'mirror/');
    expect(keyFilter(task)('photos/')).toBe(true);
    expect(wantsEvent(task, event)).toBe(true);
    expect(destinationKey(task, 'photos/')).toBe('mirror/');
  });
});
