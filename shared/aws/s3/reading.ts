import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type GetObjectCommandOutput,
  type GetObjectTaggingCommandOutput,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { Fault, isFault } from '../../model/faults.ts';
import type { ObjectInfo } from '../../model/object.ts';
import type { GetOptions, HeadOptions, OpenObject } from '../../ports/object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { asksForChecksum } from './client-fields.ts';
import { quotedEtag, versionInput } from './inputs.ts';
import { objectInfo } from './object-info.ts';
import { bareEtag, storeCode, withoutRange } from './quirks.ts';
import type { ObjectKey } from '../../model/object-key.ts';

/** @returns undefined if there is no such object. @throws Fault; `BucketNotFound` if there is no bucket either */
export async function headObject(
  bucket: S3Bucket,
  key: ObjectKey,
  options: HeadOptions = {},
): Promise<ObjectInfo | undefined> {
  const { versionId, partNumber, checksum } = options;
  try {
    return await bucket.call('HeadObject', key, async () => {
      const answer = await bucket.client.send(
        new HeadObjectCommand({
          ...bucket.object(key),
          ...versionInput(versionId),
          ...(partNumber !== undefined && { PartNumber: partNumber }),
          ...(checksum === true && { ChecksumMode: 'ENABLED' }),
        }),
      );
      if (answer.TagCount !== undefined) bucket.known.learn({ tagCount: 'yes' });
      const shown = partNumber === undefined ? answer : withoutRange(answer);
      return objectInfo(key, shown, bucket.what('HeadObject', key));
    });
  } catch (error) {
    if (!isFault(error, 'SourceGone')) throw error;
    await expectBucket(bucket, error);
    return undefined;
  }
}

/** @returns undefined if there is no such object and the read was not pinned. @throws Fault */
export async function getObject(
  bucket: S3Bucket,
  key: ObjectKey,
  { ifMatch, versionId, range, checksum }: GetOptions = {},
): Promise<OpenObject | undefined> {
  try {
    return await bucket.call('GetObject', key, async () => {
      const answer = await bucket.client.send(
        new GetObjectCommand({
          ...bucket.object(key),
          ...(ifMatch !== undefined && { IfMatch: quotedEtag(ifMatch) }),
          ...versionInput(versionId),
          ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
          ...(checksum === true && { [asksForChecksum]: true }),
        }),
      );
      const body = answer.Body as Readable;
      try {
        const sized = await withLength(bucket, key, answer, versionId);
        const info = objectInfo(key, sized, bucket.what('GetObject', key));
        if (info.tagCount !== undefined) bucket.known.learn({ tagCount: 'yes' });
        // GET states the number of tags only if there are any.
        const none = info.tagCount === undefined && bucket.showsTagCounts;
        return { info: none ? { ...info, tagCount: 0 } : info, body };
      } catch (error) {
        body.destroy();
        throw error;
      }
    });
  } catch (error) {
    if (!isFault(error, 'SourceGone') || ifMatch !== undefined) throw error;
    await expectBucket(bucket, error);
    return undefined;
  }
}

/**
 * The answer to GET with the object's length. Proxies that send bodies in chunks leave it out: HEAD states it then, and
 * the reader of the body counts its bytes against it.
 * @throws Fault `SourceChanged` if HEAD shows another object
 */
async function withLength(
  bucket: S3Bucket,
  key: ObjectKey,
  answer: GetObjectCommandOutput,
  versionId: string | undefined,
): Promise<GetObjectCommandOutput> {
  if (answer.ContentLength !== undefined || answer.ContentRange !== undefined) return answer;
  const head = await headObject(bucket, key, versionId === undefined ? {} : { versionId });
  if (head && head.etag === bareEtag(answer.ETag)) return { ...answer, ContentLength: head.size };
  const what = `${bucket.what('GetObject', key)}: the answer states no length, and HEAD shows another object`;
  throw new Fault('SourceChanged', what);
}

/**
 * A "not found" without S3's code may be anybody's: the answer to HEAD, or that of a server which is no store.
 * @throws Fault `BucketNotFound` if the bucket does not exist
 */
export async function expectBucket(bucket: S3Bucket, notFound: Fault): Promise<void> {
  if (storeCode(notFound) !== 'NoSuchKey') await bucket.expect();
}

/**
 * The object's tags; empty if the store has no tags, or says "not found" about an object that is there: several stores
 * answer so if it has none.
 * @throws Fault; `Unavailable` if a tag cannot be sent on
 */
export async function objectTags(
  bucket: S3Bucket,
  key: ObjectKey,
  versioned: { versionId?: string } = {},
): Promise<Record<string, string>> {
  const input = { ...bucket.object(key), ...versionInput(versioned.versionId) };
  let answer: GetObjectTaggingCommandOutput;
  try {
    answer = await bucket.call('GetObjectTagging', key, () => bucket.client.send(new GetObjectTaggingCommand(input)));
  } catch (error) {
    if (isFault(error, 'NotSupported')) {
      if (bucket.known.of('tagCount') !== 'yes') bucket.known.learn({ tags: 'no' });
      return {};
    }
    if (isFault(error, 'AccessDenied')) throw explainedDenial(error, versioned);
    if (!isFault(error, 'SourceGone')) throw error;
    const isThere = storeCode(error) === 'NoSuchTagSet' || (await headObject(bucket, key, versioned)) !== undefined;
    if (isThere) return {};
    throw error;
  }
  bucket.noteTagsRead();
  const tags = (answer.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const);
  if (tags.flat().every((text) => text.isWellFormed())) return Object.fromEntries(tags);
  throw new Fault('Unavailable', `${bucket.what('GetObjectTagging', key)}: the tags are not well-formed Unicode`);
}

function explainedDenial(error: Fault, { versionId }: { versionId?: string }): Fault {
  const action = versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging';
  return new Fault('AccessDenied', `${error.message}; copying tags needs ${action}, or "tags": false in the task`, {
    cause: error,
  });
}
