import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeJob } from '../../../../shared/model/job.ts';
import { causeText } from '../../../../shared/model/messages/payloads.ts';
import { isS3Notification, parseS3Notification } from '../../../../shared/model/messages/s3-event.ts';
import { keyArbitrary } from '../../../support/keys.ts';

describe('parseS3Notification', () => {
  const record = (key: string, more: object = {}): object => ({
    eventVersion: '2.1',
    eventName: 'ObjectCreated:Put',
    s3: { bucket: { name: 'b' }, object: { key } },
    ...more,
  });

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
    [{ Event: 'other' }, 'Event: found "other", expected "s3:TestEvent"'],
    [7, '(whole): found 7, expected Object'],
    [{}, 'Event: is missing, expected a value'],
  ])('rejects %j, naming the field: %s', (value, part) => {
    expect(() => parseS3Notification(JSON.stringify(value))).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
    expect(() => parseS3Notification(JSON.stringify(value))).toThrow(part);
  });

  it.each([
    [JSON.stringify({ Records: [] }), true],
    [JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }), true],
    [' {\n "Records": []}', true],
    [encodeJob({ task: 't', key: 'Records', action: 'copy' }), false],
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
