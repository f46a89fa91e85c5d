import { describe, expect, it } from '@jest/globals';
import { keyFilter } from '../../shared/model/config/key-filter.ts';
import { destinationKey, type Task } from '../../shared/model/config/task.ts';
import { wantsEvent } from '../../shared/transfer/consume-message.ts';
import { failureOf } from '../support/failure.ts';
import { noAttributes } from '../support/objects.ts';
import { hostsOfEachTest } from '../support/store-calls.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';

/** A request without a key is about the bucket: a PUT creates it, a DELETE deletes it. None may ever be sent. */

const hosts = hostsOfEachTest();
const taskOf = (from: string, to: string): Task => ({
  ...taskBetweenEndpoints(),
  source: { bucket: 'source', prefix: from, requestPayer: false },
  destination: { bucket: 'destination', prefix: to, requestPayer: false },
  events: 'create-delete',
});

describe('an empty key', () => {
  it.each([
    ['put', () => hosts.hostile.store().put('', { data: Buffer.alloc(0), size: 0 }, noAttributes)],
    ['delete', () => hosts.hostile.store().delete('')],
    ['head', () => hosts.hostile.store().head('')],
    ['get', () => hosts.hostile.store().get('')],
    ['tags', () => hosts.hostile.store().tags('')],
    ['createUpload', () => hosts.hostile.store().createUpload('', noAttributes)],
    ['abortUpload', () => hosts.hostile.store().abortUpload('', 'U')],
    ['listParts', () => hosts.hostile.store().listParts('', 'U')],
  ] as const)('causes no request: %s', async (_, call) => {
    expect(await failureOf(call())).toMatchObject({ name: 'InvalidInput' });
    expect(hosts.hostile.asked).toEqual([]);
  });
});

describe('a folder marker that equals the prefix', () => {
  const event = { kind: 'removed', bucket: 'source', key: 'photos/' } as const;

  it('is neither copied nor deleted if the destination has no prefix', () => {
    const task = taskOf('photos/', '');
    expect(keyFilter(task)('photos/')).toBe(false);
    expect(keyFilter(task)('photos/1.jpg')).toBe(true);
    expect(wantsEvent(task, event)).toBe(false);
    expect(wantsEvent(task, { ...event, key: 'photos/1.jpg' })).toBe(true);
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
