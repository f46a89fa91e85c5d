import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeJob } from '../../../../shared/model/job.ts';
import { causeText } from '../../../../shared/model/messages/payloads.ts';
import { isS3Notification, parseS3Notification } from '../../../../shared/model/messages/s3-event.ts';
import { keyArbitrary } from '../../../support/keys.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';

describe('parseS3Notification', () => {
  const record = (key: string, more: object = {}): object => ({
    eventVersion: '2.1',
    eventName: 'ObjectCreated:Put',
    s3: { bucket: { name: 'b' }, object: { key } },
    ...more,
  });

  const bridge = (type: string, detail: object = {}): object => ({
    version: '0',
    'detail-type': type,
    source: 'aws.s3',
    time: '1970-01-01T00:00:01Z',
    detail: { version: '0', bucket: { name: 'b' }, object: { key: 'a+b%2F c', size: 5, etag: 'e' }, ...detail },
  });
  const inTopic = (message: object): object => ({
    Type: 'Notification',
    MessageId: 'm',
    TopicArn: 'arn:aws:sns:us-east-1:111122223333:t',
    Subject: 'Amazon S3 Notification',
    Message: JSON.stringify(message),
  });
  const parsed = (message: object): unknown => parseS3Notification(JSON.stringify(message));

  it('reads events from the message of an SNS topic', () => {
    const raw = { Records: [record('a+b'), record('c', { eventName: 'ObjectRemoved:Delete' })] };
    expect(parsed(inTopic(raw))).toEqual([
      { kind: 'created', bucket: 'b', key: 'a b' },
      { kind: 'removed', bucket: 'b', key: 'c' },
    ]);
    expect(parsed(inTopic({ Service: 'Amazon S3', Event: 's3:TestEvent' }))).toEqual([]);
  });

  it('reads events of EventBridge, whose keys are not encoded, also through an SNS topic', () => {
    const created = { kind: 'created', bucket: 'b', key: 'a+b%2F c', size: 5, etag: 'e', at: 1000 };
    expect(parsed(bridge('Object Created'))).toEqual([created]);
    expect(parsed(inTopic(bridge('Object Created')))).toEqual([created]);
    expect(parsed(bridge('Object Restore Completed'))).toEqual([created]);
    expect(parsed(bridge('Object Deleted', { 'deletion-type': 'Delete Marker Created' }))).toEqual([
      { kind: 'removed', bucket: 'b', key: 'a+b%2F c', at: 1000 },
    ]);
  });

  it.each(['Object Restore Initiated', 'Object Tags Added', 'Object ACL Updated', 'Object Storage Class Changed'])(
    'has no object for the event "%s" of EventBridge, which changes no bytes',
    (type) => {
      expect(parsed(bridge(type))).toEqual([]);
    },
  );

  it('decodes any key', () => {
    fc.assert(
      fc.property(keyArbitrary, (key) => {
        const encoded = encodeURIComponent(key).replaceAll('%20', '+');
        const [event] = parseS3Notification(JSON.stringify({ Records: [record(encoded)] }));
        expect(event).toEqual({ kind: 'created', bucket: 'b', key });
      }),
      { numRuns: 300 },
    );
  });

  it('accepts unknown fields and later minor versions', () => {
    const more = { eventVersion: '2.99', new: 1, eventTime: '1970-01-01T00:00:01.000Z' };
    expect(parseS3Notification(JSON.stringify({ more: 1, Records: [record('k', more)] }))).toEqual([
      { kind: 'created', bucket: 'b', key: 'k', at: 1000 },
    ]);
    const noTime = record('k', { eventTime: 'yesterday' });
    expect(parseS3Notification(JSON.stringify({ Records: [noTime] }))[0]).not.toHaveProperty('at');
  });

  it.each([
    [{ Records: [record('')] }, 'Records.0.s3.object.key'],
    [{ Records: [record('k'), record('k', { eventVersion: '1.0' })] }, 'Records.1.eventVersion'],
    [{ Records: [record('k', { s3: {} })] }, 'Records.0.s3.bucket: is missing'],
    [{ Records: {} }, 'Records: found an object, expected Array'],
    [
      { Records: [record('k', { eventVersion: '3.0' })] },
      'Records.0.eventVersion: expected an S3 event of version 2.x',
    ],
    [{ Event: 'other' }, 'Event: found "other", expected "s3:TestEvent"'],
    [7, '(whole): found 7, expected Object'],
    [{}, 'Event: is missing, expected a value'],
    [{}, 'expected one as S3, SNS or EventBridge sends it'],
    [{ Type: 'Other' }, 'in a message of SNS is not valid:\n  Type: found "Other", expected "Notification"'],
    [{ Type: 'Notification' }, 'Message: is missing'],
    [{ Type: 'Notification', Message: 'hello' }, 'S3 event notification in a message of SNS is not JSON'],
    [{ Type: 'Notification', Message: '{}' }, 'in a message of SNS (expected one as S3, SNS or EventBridge sends it)'],
    [{ Type: 'SubscriptionConfirmation', Message: 'm', SubscribeURL: 'u' }, 'subscription is not confirmed yet'],
    [bridge('Object Created', { bucket: {} }), 'of EventBridge is not valid:\n  detail.bucket.name: is missing'],
    [bridge('Object Created', { object: { key: '' } }), 'detail.object.key: a key has at least one character'],
    [bridge('Object Created', { 'event-version': '2.0' }), 'detail.event-version: expected an S3 event of version 1.x'],
    [{ ...bridge('Object Created'), source: 'aws.ec2' }, 'of EventBridge is not valid:\n  source: found "aws.ec2"'],
  ])('rejects %j, naming the field: %s', (value, part) => {
    expect(() => parseS3Notification(JSON.stringify(value))).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
    expect(() => parseS3Notification(JSON.stringify(value))).toThrow(part);
  });

  it.each([
    [JSON.stringify({ Records: [] }), true],
    [JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }), true],
    [' {\n "Records": []}', true],
    [JSON.stringify({ MessageId: 'm', Type: 'Notification', Message: '{}' }), true],
    [JSON.stringify({ version: '0', id: 'i', 'detail-type': 'Object Created' }), true],
    [encodeJob({ task: 't', key: objectKey('Records'), action: 'copy' }), false],
    [encodeJob({ task: 't', key: objectKey('"Type":"Records":'), action: 'copy' }), false],
    ['hello', false],
    ['', false],
  ])('isS3Notification tells %j from a job: %p', (text, expected) => {
    expect(isS3Notification(text)).toBe(expected);
  });
});

test.each([
  [undefined, 'no cause was given'],
  ['plain', 'plain'],
  ['{"errorMessage":"m"}', 'm'],
  ['{"other":1}', '{"other":1}'],
  ['null', 'null'],
])('causeText reads %j as %j', (cause, text) => {
  expect(causeText(cause)).toBe(text);
});
