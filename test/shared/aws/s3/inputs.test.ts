import { describe, expect, it } from '@jest/globals';
import { creationInput, type CreationSettings } from '../../../../shared/aws/s3/inputs.ts';
import { destinationSchema, sourceSchema, type DestinationSide } from '../../../../shared/model/config/side.ts';

const side: DestinationSide = { bucket: 'bucket', prefix: '', requestPayer: false };
const noAttributes = { headers: {}, metadata: {}, tags: {} };
const keyId = 'alias/copies';

type Row<Name extends keyof CreationSettings> = readonly [value: CreationSettings[Name], input: object];

/** Each setting of a destination, and what a request that creates an object says of it. */
const settings: { readonly [Name in keyof CreationSettings]: readonly Row<Name>[] } = {
  storageClass: [['STANDARD_IA', { StorageClass: 'STANDARD_IA' }]],
  acl: [['bucket-owner-read', { ACL: 'bucket-owner-read' }]],
  encryption: [
    [{ type: 'AES256' }, { ServerSideEncryption: 'AES256' }],
    [{ type: 'aws:kms' }, { ServerSideEncryption: 'aws:kms' }],
    [
      { type: 'aws:kms', keyId },
      { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: keyId },
    ],
  ],
};

describe('creationInput', () => {
  const rows = Object.entries(settings).flatMap(([name, some]) =>
    some.map(([value, input]) => [name, value, input] as const),
  );

  it.each(rows)('sends the destination setting %s %j when no other is set', (name, value, input) => {
    expect(creationInput({ ...side, [name]: value }, noAttributes)).toEqual(input);
  });

  it('sends every setting that a destination has and a source has not, but the checksum algorithm', () => {
    const own = Object.keys(destinationSchema.entries).filter((name) => !(name in sourceSchema.entries));
    expect(own.sort()).toEqual([...Object.keys(settings), 'checksumAlgorithm'].sort());
  });

  it('sends nothing that is not set', () => {
    expect(creationInput(side, noAttributes)).toEqual({});
  });

  it('sends headers, metadata and tags', () => {
    const headers = {
      contentType: 'a/b',
      contentEncoding: 'gzip',
      contentLanguage: 'en',
      contentDisposition: 'inline',
    };
    const attributes = {
      headers: { ...headers, cacheControl: 'no-cache' },
      metadata: { m: '1' },
      tags: { 'a b': 'ü&=', c: '' },
    };
    expect(creationInput(side, attributes)).toEqual({
      ContentType: 'a/b',
      ContentEncoding: 'gzip',
      ContentLanguage: 'en',
      ContentDisposition: 'inline',
      CacheControl: 'no-cache',
      Metadata: { m: '1' },
      Tagging: 'a%20b=%C3%BC%26%3D&c=',
    });
  });
});
