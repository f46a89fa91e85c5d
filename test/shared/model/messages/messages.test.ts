import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asFault, assertNever, Fault, faultTable, isFault, type FaultName } from '../../../../shared/model/faults.ts';
import { asciiJson, decodeJob, encodeJob, type Job } from '../../../../shared/model/job.ts';
import { etagIsMd5, etagPartCount } from '../../../../shared/model/object.ts';
import { causeText } from '../../../../shared/model/messages/payloads.ts';
import { isS3Notification, parseS3Notification } from '../../../../shared/model/messages/s3-event.ts';
import { formatSize, parseSize } from '../../../../shared/model/size.ts';
import { keyArbitrary } from '../../../support/keys.ts';

describe('the job codec', () => {
  it('round-trips any legal key, in printable ASCII', () => {
    const job = fc.record<Job>(
      {
        task: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
        key: keyArbitrary,
        action: fc.constantFrom('copy', 'delete'),
        size: fc.maxSafeNat(),
        etag: fc.string({ maxLength: 40 }),
        run: fc.string({ maxLength: 40 }),
      },
      { requiredKeys: ['task', 'key', 'action'] },
    );
    fc.assert(
      fc.property(job, (one) => {
        const text = encodeJob(one);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeJob(text)).toEqual(one);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['\u{fffe}', '\u{ffff}', '\u{10ffff}', '\0', '\n', '"', '\\', '\u{e000}', 'é', '\u007f', '\u2028'])(
    'accepts %j in a key',
    (key) => {
      expect(decodeJob(encodeJob({ task: 't', key, action: 'copy' })).key).toBe(key);
    },
  );

  it.each([
    ['', 'queue message is not JSON'],
    ['7', '(whole): found 7, expected Object'],
    ['{}', 'job: is missing, expected a value'],
    ['{"job":null}', 'job: found null, expected Object'],
    ['{"job":{"task":"","key":"k","action":"copy"}}', 'job.task: '],
    ['{"job":{"task":"t","key":"","action":"copy"}}', 'job.key: a key has at least one character (found "")'],
    ['{"job":{"task":"t","key":"\\ud800","action":"copy"}}', 'job.key: a key is well-formed Unicode'],
    [JSON.stringify({ job: { task: 't', key: 'é'.repeat(513), action: 'copy' } }), 'job.key: a key has at most 1024'],
    ['{"job":{"task":"t","key":"k","action":"copy","size":-1}}', 'job.size: '],
    ['{"job":{"task":"t","key":"k","action":"copy","size":"1"}}', 'job.size: found "1", expected number'],
    ['{"job":{"task":"t","key":"k","action":"copy"},"more":1}', 'more: unknown option'],
  ])('rejects %j, naming the field', (text, part) => {
    expect(() => decodeJob(text)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
    expect(() => decodeJob(text)).toThrow(part);
  });

  it('writes any text as ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(asciiJson(text)).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(asciiJson(text))).toBe(text);
      }),
    );
  });
});

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

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['8388608', 8388608],
    ['32 MiB', 32 * 1024 ** 2],
    [' 1.5GiB ', 1.5 * 1024 ** 3],
    ['64m', 64 * 1024 ** 2],
    ['5GB', 5e9],
    ['1t', 1024 ** 4],
    ['7 b', 7],
  ])('parseSize reads %j as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'MiB', '-1', '1.5', '0.3 k', '1e3', '5 PiB', '1 2', '99999999 TiB', 'NaN', '1.MiB'])(
    'parseSize returns undefined for %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [126 * 1024 ** 2, '126 MiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('formatSize writes %d bytes as %j', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it('round-trip within the figures shown', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const read =
          Number.parseFloat(formatSize(bytes)) * (parseSize(`1${formatSize(bytes).replace(/[\d.]/g, '')}`) ?? NaN);
        expect(Math.abs(read - bytes)).toBeLessThanOrEqual(bytes * 0.051);
      }),
    );
  });
});

describe('faults', () => {
  it.each(Object.keys(faultTable) as FaultName[])('%s has its name and its retry rule', (name) => {
    const fault = new Fault(name, 'm');
    expect({ name: fault.name, rule: fault.retry }).toEqual({ name, rule: faultTable[name].retry });
    expect(isFault(fault, name)).toBe(true);
    expect(asFault(fault)).toBe(fault);
    expect(fault).toBeInstanceOf(Error);
  });

  it.each(Object.keys(faultTable) as FaultName[])(
    '%s exits with 2 if what the user wrote is wrong, with 1 otherwise',
    (name) => {
      const wronglyWritten: FaultName[] = ['InvalidInput', 'InvalidTask', 'UnknownTask'];
      expect(new Fault(name, 'm').exitCode).toBe(wronglyWritten.includes(name) ? 2 : 1);
    },
  );

  it('asFault makes any other error Unavailable, with its message', () => {
    expect(asFault(new TypeError('x is no function'))).toMatchObject({
      name: 'Unavailable',
      message: 'unexpected error: TypeError: x is no function',
    });
    expect(asFault('text').message).toBe('unexpected error: text');
    expect(isFault(new Error('m'))).toBe(false);
  });

  it('assertNever names the unexpected value', () => {
    expect(() => assertNever('odd' as never)).toThrow('unexpected value: "odd"');
  });

  it.each([
    [undefined, 'no cause was given'],
    ['plain', 'plain'],
    ['{"errorMessage":"m"}', 'm'],
    ['{"other":1}', '{"other":1}'],
    ['null', 'null'],
  ])('causeText reads %j as %j', (cause, text) => {
    expect(causeText(cause)).toBe(text);
  });
});

describe('ETags', () => {
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
  it.each([
    [md5, undefined, true],
    [`${md5}-12`, 12, false],
    [`${md5}-10000`, 10000, false],
    [`${md5}-0`, undefined, false],
    [`${md5}-1x`, undefined, false],
    ['', undefined, false],
    [`x${md5}`, undefined, false],
  ])('%j: part count and MD5', (etag, parts, isMd5) => {
    expect(etagPartCount(etag)).toBe(parts);
    expect(etagIsMd5({ etag, opaqueEtag: false })).toBe(isMd5);
    expect(etagIsMd5({ etag, opaqueEtag: true })).toBe(false);
  });
});
