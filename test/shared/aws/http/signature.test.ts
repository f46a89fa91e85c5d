import { describe, expect, it } from '@jest/globals';
import { Signer } from '../../../../shared/aws/http/signature.ts';

/** Amazon S3 API Reference, "Examples: Signature calculations in AWS Signature Version 4". */
const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const now = new Date('2013-05-24T00:00:00Z');
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const host = 'examplebucket.s3.amazonaws.com';
const signer = new Signer({ region: 'us-east-1', service: 's3' });

function signatureOf(headers: Record<string, string>): string | undefined {
  return /Signature=(\w+)$/.exec(headers['authorization'] ?? '')?.[1];
}

describe('the signature of a request', () => {
  it('is that of the documented GET of a range', () => {
    const request = { method: 'GET', target: '/test.txt', headers: { host, range: 'bytes=0-9' } };
    expect(signer.headers(request, keys, { now, payloadHash: empty })).toEqual({
      'x-amz-date': '20130524T000000Z',
      'x-amz-content-sha256': empty,
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, ' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    });
  });

  it('is that of the documented PUT', () => {
    const headers = { host, date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' };
    const request = { method: 'PUT', target: '/test%24file.text', headers };
    const payloadHash = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const signed = signer.headers(request, keys, { now, payloadHash });
    expect(signatureOf(signed)).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  it.each([
    ['/?lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['/?max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('is that of the documented GET %s', (target, expected) => {
    const signed = signer.headers({ method: 'GET', target, headers: { host } }, keys, { now, payloadHash: empty });
    expect(signatureOf(signed)).toBe(expected);
  });

  it('changes with the day and the secret, whose derived key is kept', () => {
    const request = { method: 'GET', target: '/k', headers: { host } };
    const at = (when: string, secretAccessKey = keys.secretAccessKey): string | undefined =>
      signatureOf(signer.headers(request, { ...keys, secretAccessKey }, { now: new Date(when), payloadHash: empty }));
    const first = at('2026-11-29T10:00:00Z');
    expect(at('2026-11-30T10:00:00Z')).not.toBe(first);
    expect(at('2026-11-29T10:00:00Z', 'other')).not.toBe(first);
    expect(at('2026-11-29T10:00:00Z')).toBe(first);
  });

  it('covers the session token, and not what proxies change', () => {
    const headers = { host, 'user-agent': 'a', 'cache-control': 'b' };
    const request = { method: 'GET', target: '/k', headers };
    const signed = signer.headers(request, { ...keys, sessionToken: 'token' }, { now, payloadHash: empty });
    expect(signed['x-amz-security-token']).toBe('token');
    expect(signed['authorization']).toContain(
      'SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,',
    );
  });
});
