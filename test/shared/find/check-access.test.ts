import { beforeEach, describe, expect, it } from '@jest/globals';
import { faultOf } from '../../../shared/aws/faults.ts';
import { checkAccess } from '../../../shared/find/check-access.ts';
import { Fault } from '../../../shared/model/faults.ts';
import type { Call } from '../../../shared/ports/memory/gate.ts';
import { failureOf } from '../../support/failure.ts';
import { runTask } from '../../support/memory-run.ts';
import { MemoryWorld } from '../../support/memory-world.ts';
import { noAttributes } from '../../support/objects.ts';

const checkKey = 'out/.s3-ferry-access-check';
const keys = ['in/a', 'in/b', 'in/c', 'in/d'];

let world: MemoryWorld;
let calls: string[];

beforeEach(async () => {
  world = await worldWith({});
  calls = [];
});

async function worldWith(task: object): Promise<MemoryWorld> {
  const made = new MemoryWorld({ task: { source: { prefix: 'in/' }, destination: { prefix: 'out/' }, ...task } });
  for (const key of keys) await made.putSource(Buffer.from('x'), { key });
  return made;
}

/** An error as the SDK throws it for an answer of S3. */
function answered(code: string, message: string, what: string): Fault {
  return faultOf(Object.assign(new Error(message), { name: code, $metadata: { httpStatusCode: 403 } }), what);
}

/** Refuses the calls for which `why` has a reason. */
function refuse(why: (call: Call) => Fault | undefined): void {
  world.gate.hooks = {
    before: (call) => {
      calls.push(`${call.operation} ${call.bucket} ${call.key}`);
      const fault = why(call);
      if (fault !== undefined) throw fault;
    },
  };
}

const denied = (what: string): Fault => answered('AccessDenied', 'Access Denied', what);
const check = (prefixes: readonly string[] = ['in/']): Promise<void> =>
  checkAccess(
    { ...world.context(), principal: (side) => Promise.resolve(`arn:aws:iam::1:user/${side}`) },
    world.task,
    prefixes,
  );

describe('the check of permissions before a run', () => {
  it('reads one object, begins an upload under a key that is no object, and leaves nothing', async () => {
    refuse(() => undefined);
    await check();
    expect(calls.filter((call) => !call.startsWith('list source'))).toEqual([
      'get source in/a',
      `head destination ${checkKey}`,
      `createUpload destination ${checkKey}`,
      `listParts destination ${checkKey}`,
      `abortUpload destination ${checkKey}`,
    ]);
    expect(world.openUploads()).toEqual([]);
    expect(world.copied(checkKey)).toBeUndefined();
  });

  it('sends the settings and the tags that copies are sent with', async () => {
    const attributes = { ...noAttributes, tags: { team: 'media' } };
    await world.putSource(Buffer.from('x'), { key: 'in/a', attributes });
    const created: unknown[] = [];
    const { source, destination } = world.context();
    const create = destination.createUpload.bind(destination);
    destination.createUpload = (key, given) => {
      created.push(given);
      return create(key, given);
    };
    await checkAccess({ source, destination }, world.task, ['in/']);
    expect(created).toEqual([attributes]);
  });

  it("repeats AWS's principal, action and key, where AWS names them", async () => {
    const message =
      'User: arn:aws:sts::123456789012:assumed-role/S3Ferry-Copy/f is not authorized to perform: kms:Decrypt on ' +
      'resource: arn:aws:kms:us-east-1:123456789012:key/k-1 because no resource-based policy allows the kms:Decrypt action';
    refuse(({ operation }) =>
      operation === 'get' ? answered('AccessDenied', message, 'GetObject source: "in/a"') : undefined,
    );
    expect(await failureOf(check())).toMatchObject({
      name: 'AccessDenied',
      message: expect.stringMatching(
        /^task test, source: arn:aws:sts::123456789012:assumed-role\/S3Ferry-Copy\/f lacks the permission kms:Decrypt on arn:aws:kms:us-east-1:123456789012:key\/k-1 \(GetObject source/,
      ),
    });
  });

  it.each([
    ['get', 'GetObject source: "k"', 'source', 's3:GetObject, or kms:Decrypt on the key of the object', 'in/'],
    ['head', 'HeadObject destination: "k"', 'destination', 's3:GetObject', 'out/'],
    [
      'createUpload',
      'CreateMultipartUpload destination: "k"',
      'destination',
      's3:PutObject (s3:PutObjectTagging with tags), or kms:GenerateDataKey',
      'out/',
    ],
    ['listParts', 'ListParts destination: "k"', 'destination', 's3:ListMultipartUploadParts', 'out/'],
    ['abortUpload', 'AbortMultipartUpload destination: "k"', 'destination', 's3:AbortMultipartUpload', 'out/'],
  ])('names them where the store does not (%s)', async (operation, what, side, action, prefix) => {
    refuse((call) => (call.operation === operation ? denied(what) : undefined));
    const { message } = await failureOf(check());
    expect(message).toContain(`task test, ${side}: arn:aws:iam::1:user/${side} lacks the permission ${action}`);
    expect(message).toContain(`on objects "${prefix}*" of bucket "${side}"`);
  });

  it('asks for tags only if the task copies them', async () => {
    const tagged = { ...noAttributes, tags: { a: 'b' } };
    const refuseTags = (call: Call): Fault | undefined =>
      call.operation === 'tags' ? denied('GetObjectTagging source: "k"') : undefined;
    for (const key of keys) await world.putSource(Buffer.from('x'), { key, attributes: tagged });
    refuse(refuseTags);
    expect(await failureOf(check())).toMatchObject({ message: expect.stringContaining('s3:GetObjectTagging') });
    world = await worldWith({ tags: false });
    for (const key of keys) await world.putSource(Buffer.from('x'), { key, attributes: tagged });
    refuse(refuseTags);
    await check();
  });

  it('does not stop a run for an object that alone is refused', async () => {
    refuse(({ operation, key }) => (operation === 'get' && key !== 'in/c' ? denied('GetObject') : undefined));
    await check();
    expect(calls.filter((call) => call.startsWith('get '))).toEqual(
      ['a', 'b', 'c'].map((key) => `get source in/${key}`),
    );
  });

  it('does not stop a run whose bucket admits the names of its objects, but not that of the check', async () => {
    refuse(({ operation, key }) =>
      operation === 'createUpload' && key === checkKey ? denied('CreateMultipartUpload') : undefined,
    );
    await check();
    expect(calls).toContain('abortUpload destination out/a');
    expect(world.openUploads()).toEqual([]);
  });

  it.each(['NotSupported', 'Unavailable', 'ArchivedSource', 'Throttled', 'Refused'] as const)(
    'leaves every other fault to the run (%s)',
    async (name) => {
      for (const stopped of ['get', 'createUpload']) {
        refuse(({ operation }) => (operation === stopped ? new Fault(name, 'no') : undefined));
        await check();
      }
    },
  );

  it('does not hide a bug', async () => {
    refuse(({ operation }) => {
      if (operation === 'get') throw new TypeError('a bug');
      return undefined;
    });
    await expect(check()).rejects.toThrow(TypeError);
  });

  it('tries no object that the run would not copy, and writes nothing where there is nothing to copy', async () => {
    world = await worldWith({ exclude: ['a'], prefixes: ['a', 'b'] });
    refuse(() => undefined);
    await check(['in/a', 'in/b']);
    expect(calls.filter((call) => call.startsWith('get '))).toEqual(['get source in/b']);
    calls = [];
    await check(['in/z']);
    expect(calls.filter((call) => !call.startsWith('list'))).toEqual([]);
  });
});

describe('a run', () => {
  it('that may not write fails before it sends a job', async () => {
    refuse(({ operation }) => (operation === 'createUpload' ? denied('CreateMultipartUpload') : undefined));
    const { record, jobs } = await runTask(world);
    expect(jobs).toEqual([]);
    expect(record).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(/^AccessDenied: task test, destination/),
    });
  });

  it('that only checks finds nothing, sends nothing, and is no run to compare deletes with', async () => {
    const { record, jobs } = await runTask(world, { input: { checkOnly: true } });
    expect(jobs).toEqual([]);
    expect(record).toMatchObject({ status: 'DONE', dryRun: true, counts: { listed: 0, jobs: 0 } });
    expect(await world.ledger.getLastRun('test')).toBeUndefined();
    expect(world.gate.count('createUpload')).toBe(1);
  });
});
