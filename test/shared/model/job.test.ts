import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asciiJson, decodeJob, encodeJob, type Job } from '../../../shared/model/job.ts';
import { keyArbitrary } from '../../support/keys.ts';
import { objectKey } from '../../../shared/model/object-key.ts';

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
      expect(decodeJob(encodeJob({ task: 't', key: objectKey(key), action: 'copy' })).key).toBe(key);
    },
  );

  it.each([
    ['', 'queue message is not JSON'],
    ['7', '(whole): found 7, expected Object'],
    ['{}', 'job: is missing, expected a job'],
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
