import type { ChecksumAlgorithm, ContentHeaders, ObjectAttributes } from '../../model/object.ts';
import type { DestinationSide, Side } from '../../model/config/task.ts';
import type { Body, CopySource, Replaces } from '../../ports/object-store.ts';
import { objectKey } from '../../model/object-key.ts';
import { quoted } from '../../model/text.ts';
import { rawExpires } from './client-fields.ts';
import type { CopyObjectCommandInput, PutObjectCommandInput } from '@aws-sdk/client-s3';

type Creation = Pick<
  PutObjectCommandInput,
  | 'ContentType'
  | 'ContentEncoding'
  | 'ContentLanguage'
  | 'ContentDisposition'
  | 'CacheControl'
  | 'WebsiteRedirectLocation'
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
  // No directive of CopyObject copies it (S3: CopyObject).
  websiteRedirect: 'WebsiteRedirectLocation',
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

/** @returns an empty input if the destination does not have the setting */
function settingInput(side: DestinationSide, name: keyof CreationSettings): Creation {
  // The table's types pair each setting with its own kind of value.
  const inputOf = settingInputs[name] as (value: unknown) => Creation;
  return side[name] === undefined ? {} : inputOf(side[name]);
}

function namesOf<Table extends object>(table: Table): (keyof Table)[] {
  return Object.keys(table) as (keyof Table)[];
}

/** A body, its size, and its digests if they are known. */
export function bodyInput(body: Body): Pick<PutObjectCommandInput, 'Body' | 'ContentLength' | 'ContentMD5'> {
  return {
    Body: body.data,
    ContentLength: body.size,
    ...(body.md5 !== undefined && { ContentMD5: body.md5 }),
    ...(body.checksum && { [`Checksum${body.checksum.algorithm}`]: body.checksum.value }),
  };
}

interface CopyInput {
  CopySource: string;
  CopySourceIfMatch: string;
  ExpectedSourceBucketOwner?: string;
}

/** The source of a copy, pinned to its ETag. @throws Fault `InvalidInput` for what is not a key */
export function copyInput(source: CopySource): CopyInput {
  const { bucket, key, etag, owner } = source;
  objectKey(key, `copy from ${bucket}: ${quoted(key)}`);
  return {
    CopySource: copySourceHeader(source),
    CopySourceIfMatch: quotedEtag(etag),
    ...(owner !== undefined && { ExpectedSourceBucketOwner: owner }),
  };
}

/**
 * What a copy is created with: given attributes, or those of the source, which S3 takes from the version that it
 * copies. S3 copies no website redirect with them, and no settings of the destination (S3 API Reference, CopyObject,
 * "x-amz-metadata-directive").
 */
export function copiedAttributes(
  side: DestinationSide,
  { whole }: CopySource,
  attributes: ObjectAttributes,
): Creation & Pick<CopyObjectCommandInput, 'MetadataDirective' | 'TaggingDirective'> {
  if (whole !== true) {
    return { MetadataDirective: 'REPLACE', TaggingDirective: 'REPLACE', ...creationInput(side, attributes) };
  }
  const { websiteRedirect } = attributes.headers;
  const headers = websiteRedirect === undefined ? {} : { websiteRedirect };
  const settings = creationInput(side, { headers, metadata: {}, tags: {} });
  return { MetadataDirective: 'COPY', TaggingDirective: 'COPY', ...settings };
}

export type ConditionInput = Readonly<Partial<Record<'IfMatch' | 'IfNoneMatch', string>>>;

/** The condition of a write or a deletion (S3 User Guide, "Conditional writes", "Conditional deletes"). */
export function conditionInput(replaces: Replaces): ConditionInput {
  return replaces === 'nothing' ? { IfNoneMatch: '*' } : { IfMatch: quotedEtag(replaces.etag) };
}

/** An ETag as headers and documents carry it. */
export function quotedEtag(etag: string): string {
  return `"${etag}"`;
}

/** The version that a request is about; without one, the current version. */
export function versionInput(versionId: string | undefined): { VersionId?: string } {
  return versionId === undefined ? {} : { VersionId: versionId };
}

/** `bucket/key` in the form of the copy-source header: URL-encoded, with its slashes. */
export function copySourceHeader({ bucket, key, versionId }: CopySource): string {
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return versionId === undefined ? path : `${path}?versionId=${encodeURIComponent(versionId)}`;
}

/** The checksum of a part in an answer. @param algorithm the one that the upload was created with */
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
