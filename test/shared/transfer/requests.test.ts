import { describe, expect, it } from '@jest/globals';
import { transferObject } from '../../../shared/transfer/transfer-object.ts';
import { MemoryWorld, partSize, type MemoryWorldOptions } from '../../support/memory-world.ts';
import { bytesOf, noAttributes } from '../../support/objects.ts';

/**
 * What a job costs on S3, in requests: the tables of docs/deployment.md rest on these numbers. A million PUT-class
 * requests cost $5, a million GET or HEAD $0.40; deletes and aborts are free.
 */

const small: MemoryWorldOptions = { task: { largeObjectThreshold: '5 MiB' } };
const inside: MemoryWorldOptions = { task: { largeObjectThreshold: '5 MiB', serverSideCopy: 'auto' }, oneStore: true };
const deleting: MemoryWorldOptions = { task: { largeObjectThreshold: '5 MiB', deletes: true } };
const tagged = { ...noAttributes, tags: { a: 'b' } };

interface Case {
  readonly options?: MemoryWorldOptions;
  /** fills the world and returns what the job says */
  readonly before: (world: MemoryWorld) => Promise<object>;
  readonly requests: Readonly<Record<string, number>>;
}

const cases: Record<string, Case> = {
  'put, found missing long ago': {
    before: async (world) => {
      await world.putSource(bytesOf(10));
      return { size: 10, missingAt: 0 };
    },
    requests: { get: 1, put: 1, head: 1 },
  },
  'put, by an event': {
    before: async (world) => {
      await world.putSource(bytesOf(10));
      return { size: 10 };
    },
    requests: { get: 1, put: 1, head: 2 },
  },
  'put, with tags, found missing long ago': {
    before: async (world) => {
      await world.putSource(bytesOf(10), { attributes: tagged });
      return { size: 10, missingAt: 0 };
    },
    requests: { get: 1, put: 1, tags: 1, head: 2 },
  },
  'put over another version': {
    before: async (world) => {
      await world.putSource(bytesOf(10, 'old'));
      await world.transfer();
      await world.putSource(bytesOf(10, 'new'));
      return { size: 10 };
    },
    requests: { get: 1, put: 1, head: 3 },
  },
  skip: {
    before: async (world) => {
      await world.putSource(bytesOf(10));
      await world.transfer();
      return { size: 10 };
    },
    requests: { head: 2 },
  },
  'relay of an object in one part': {
    before: async (world) => {
      await world.uploadSource(bytesOf(10), [10]);
      return { size: 10, etag: world.sourceObject()?.etag };
    },
    requests: { createUpload: 1, get: 1, uploadPart: 1, listParts: 1, completeUpload: 1, head: 4 },
  },
  'server-side copy, with tags': {
    options: inside,
    before: async (world) => {
      await world.putSource(bytesOf(10), { attributes: tagged });
      return { size: 10 };
    },
    requests: { copy: 1, head: 3 },
  },
  delete: {
    options: deleting,
    before: async (world) => {
      await world.putSource(bytesOf(10));
      await world.transfer();
      await world.deleteSource();
      return { action: 'delete' };
    },
    requests: { delete: 1, head: 3 },
  },
};

describe('the requests of a job to S3', () => {
  it.each(Object.entries(cases))('%s', async (_name, { options = small, before, requests }) => {
    const world = new MemoryWorld({ minPartBytes: partSize, ...options });
    const job = world.job('k', await before(world));
    const made: Record<string, number> = {};
    world.gate.hooks = {
      before: ({ operation }) => {
        if (!operation.startsWith('ledger.')) made[operation] = (made[operation] ?? 0) + 1;
      },
    };
    await transferObject(world.context(), job);
    expect(made).toEqual(requests);
  });
});
