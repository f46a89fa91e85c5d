import type { ChecksumAlgorithm, ContentHeaders, ObjectAttributes } from '../../model/object.ts';
import type { DestinationSide, Side } from '../../model/config/task.ts';
import type { Body, CopySource } from '../../ports/object-store.ts';
import { rawExpires } from './client.ts';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';

type Creation = Pick<
  PutObjectCommandInput,
  | 'ContentType'
  | 'ContentEncoding'
  | 'ContentLanguage'
  | 'ContentDisposition'
  | 'CacheControl'
  | 'Metadata'
  | 'Tagging'
  | 'StorageClass'
  | 'ACL'
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
>;

/** The settings of a destination that become part of each object created in it. */
export type CreationSettings = Required<Omit<DestinationSide, keyof Side | SentElsewhere>>;

/** The checksum algorithm of a body or an upload is chosen by the core, per object, and passed with it. */
type SentElsewhere = 'checksumAlgorithm';

/** How each setting is sent. A setting without an entry does not compile, so a new one cannot be forgotten. */
const settingInputs: {
  readonly [Name in keyof CreationSettings]: (value: CreationSettings[Name]) => Creation;
} = {
  storageClass: (StorageClass) => ({ StorageClass }),
  acl: (ACL) => ({ ACL }),
  encryption: (encryption) => ({
    ServerSideEncryption: encryption.type,
    ...(encryption.type === 'aws:kms' && encryption.keyId !== undefined && { SSEKMSKeyId: encryption.keyId }),
  }),
};

/** The field that carries each content header. A header without an entry does not compile. */
const headerFields = {
  contentType: 'ContentType',
  contentEncoding: 'ContentEncoding',
  contentLanguage: 'ContentLanguage',
  contentDisposition: 'ContentDisposition',
  cacheControl: 'CacheControl',
  expires: rawExpires,
} as const satisfies Record<keyof ContentHeaders, keyof Creation | typeof rawExpires>;

/**
 * The fields that PutObject, CopyObject and CreateMultipartUpload share: the object's attributes and the settings of
 * the destination. A source has no such settings.
 */
export function creationInput(side: DestinationSide, { headers, metadata, tags }: ObjectAttributes): Creation {
  const input: Creation & { [rawExpires]?: string } = {};
  for (const name of namesOf(headerFields)) {
    const value = headers[name];
    if (value !== undefined) input[headerFields[name]] = value;
  }
  if (Object.keys(metadata).length > 0) input.Metadata = { ...metadata };
  if (Object.keys(tags).length > 0) input.Tagging = tagHeader(tags);
  for (const name of namesOf(settingInputs)) Object.assign(input, settingInput(side, name));
  return input;
}

function settingInput<Name extends keyof CreationSettings>(side: DestinationSide, name: Name): Creation {
  const value = side[name] as CreationSettings[Name] | undefined;
  return value === undefined ? {} : settingInputs[name](value);
}

function namesOf<Table extends object>(table: Table): (keyof Table)[] {
  return Object.keys(table) as (keyof Table)[];
}

/** A body with what is known of it. */
export function bodyInput(body: Body): Pick<PutObjectCommandInput, 'Body' | 'ContentLength' | 'ContentMD5'> {
  return {
    Body: body.data,
    ContentLength: body.size,
    ...(body.md5 !== undefined && { ContentMD5: body.md5 }),
    ...(body.checksum && { [`Checksum${body.checksum.algorithm}`]: body.checksum.value }),
  };
}

/** `bucket/key` as the copy-source header wants it: URL-encoded, slashes kept. */
export function copySourceHeader({ bucket, key, versionId }: CopySource): string {
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}

/** The checksum of a part in an answer, under the name of the upload's algorithm. */
export function partChecksum(
  answer: { readonly [Key in `Checksum${ChecksumAlgorithm}`]?: string | undefined },
  algorithm: ChecksumAlgorithm | undefined,
): { checksum?: string } {
  const value = algorithm && answer[`Checksum${algorithm}`];
  return value === undefined ? {} : { checksum: value };
}

function tagHeader(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}
