import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseTask } from '../../../../shared/model/config/task.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';
import { transferObject } from '../../../../shared/transfer/transfer-object.ts';
import { contextOf } from '../../../support/context.ts';
import { failureOf } from '../../../support/failure.ts';
import { errorXml, listingXml, type Asked } from '../../../support/hostile-store.ts';
import { noAttributes } from '../../../support/objects.ts';
import { hostsOfEachTest } from '../../../support/store-calls.ts';
import { taskBetweenEndpoints } from '../../../support/tasks.ts';

/** Situations from public reports about other tools, which were right here from the start and have to stay so. */

const hosts = hostsOfEachTest();
const body = Buffer.from('abc');
const md5 = createHash('md5').update(body).digest();
const etag = `"${md5.toString('hex')}"`;
const object = { 'content-length': '3', etag };

/** Copies a small object between two servers. @returns what the destination was asked */
async function copy(source: Record<string, string>, destinationEtag = etag): Promise<readonly Asked[]> {
  hosts.hostile.answer = () => ({ headers: { ...object, ...source }, body: 'abc' });
  hosts.other.answer = ({ method }) =>
    method === 'HEAD' ? { status: 404 } : { headers: destinationEtag === '' ? {} : { etag: destinationEtag } };
  const task = taskBetweenEndpoints({ serverSideCopy: 'never', tags: false });
  const context = contextOf(task, hosts.hostile.store({ bucket: 'source' }), hosts.other.store());
  await transferObject(context, { task: 'hostile', key: objectKey('in/k'), action: 'copy' });
  return hosts.other.asked;
}

describe('keys in a listing that ignores encoding-type', () => {
  it('are taken as they are (rclone 8324)', async () => {
    const keys = ['a+b', '100%', '?&=', 'x y'];
    const raw = keys.map((key) => ({ key: key.replaceAll('&', '&amp;') }));
    const store = hosts.answerWith({ body: listingXml(raw, '', '') });
    const listed: string[] = [];
    for await (const page of store.list({ prefix: '' })) listed.push(...page.map(({ key }) => key));
    expect(listed).toEqual(keys);
  });

  it('may have no ETag', async () => {
    const store = hosts.answerWith({ body: listingXml([{ key: 'k', etag: '' }]) });
    for await (const [first] of store.list({ prefix: '' })) expect(first).toMatchObject({ key: 'k', etag: '' });
  });
});

describe('the ETag with which a destination confirms a copy', () => {
  it.each([
    ['weak', `W/${etag}`],
    ['without quotes', md5.toString('hex')],
    ['of 64 digits', `"${'a'.repeat(64)}"`],
    ['of an upload', `"${md5.toString('hex')}-1"`],
  ])('may be %s (s3ql 402)', async (_form, other) => {
    const asked = await copy({}, other);
    expect(asked.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });
});

describe('metadata of an object', () => {
  it.each([
    ['empty', ''],
    ['with a comma', 'a, b'],
    ['with a tilde', '~a~'],
    ['encoded by RFC 2047', '=?UTF-8?B?w7w=?='],
  ])('arrives as it is: %s (waha 2279)', async (_what, value) => {
    const asked = await copy({ 'x-amz-meta-m': value });
    expect(asked.find(({ method }) => method === 'PUT')?.headers['x-amz-meta-m']).toBe(value);
  });

  it.each(['-1', '0', 'soon'])('has an Expires that is no date as it is: %s', async (value) => {
    const asked = await copy({ expires: value });
    expect(asked.find(({ method }) => method === 'PUT')?.headers['expires']).toBe(value);
  });
});

describe('a bucket with Object Lock', () => {
  it('gets a digest with each object, which S3 demands there (kopia 3759)', async () => {
    const asked = await copy({});
    const put = asked.find(({ method }) => method === 'PUT');
    expect(put?.headers['content-md5']).toBe(md5.toString('base64'));
  });

  it('that refuses a deletion is a fault with the reason', async () => {
    const store = hosts.answerWith({ status: 403, body: errorXml('AccessDenied', 'object protected by object lock') });
    expect((await failureOf(store.delete(objectKey('k')))).message).toContain('object protected by object lock');
  });
});

describe('what a store refuses', () => {
  it.each([
    [400, 'XMinioInvalidObjectName', 'Refused'],
    [400, 'XMinioParentIsObject', 'Refused'],
    [400, 'MetadataTooLarge', 'Refused'],
    [409, 'XMinioParentIsObject', 'DestinationConflict'],
    [507, 'XMinioStorageFull', 'Unavailable'],
    [403, 'QuotaExceeded', 'AccessDenied'],
  ])('is named with its code: %i %s', async (status, code, fault) => {
    const store = hosts.answerWith({ status, body: errorXml(code, 'the reason') });
    const failure = await failureOf(store.put(objectKey('k'), { data: body, size: 3 }, noAttributes));
    expect(failure).toMatchObject({
      name: fault,
      message: expect.stringContaining(`${code} (HTTP ${status}): the reason`),
    });
  });
});

describe('an endpoint', () => {
  it.each(['http://[::1]:9000', ' http://127.0.0.1:9000 ', 'http://127.0.0.1:9000/'])('may be %j', (endpoint) => {
    const source = { bucket: 'from', endpoint, insecure: true, forcePathStyle: true, region: 'us-east-1' };
    const task = parseTask(JSON.stringify({ name: 't', source, destination: { bucket: 'into' } }), 'task');
    expect(new URL(task.source.endpoint!).port).toBe('9000');
  });
});
