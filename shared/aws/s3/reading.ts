import { GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { Fault, isFault } from '../../model/faults.ts';
import type { ObjectInfo } from '../../model/object.ts';
import type { GetOptions, HeadOptions, OpenObject } from '../../ports/object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { quotedEtag, versionInput } from './inputs.ts';
import { objectInfo } from './object-info.ts';
import { withoutRange } from './quirks.ts';

/** @returns undefined if there is no such object. @throws Fault; `BucketNotFound` if there is no bucket either */
export async function headObject(
  bucket: S3Bucket,
  key: string,
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
      const shown = partNumber === undefined ? answer : withoutRange(answer);
      return objectInfo(key, shown, bucket.what('HeadObject', key));
    });
  } catch (error) {
    if (!isFault(error, 'SourceGone')) throw error;
    await bucket.expect();
    return undefined;
  }
}

/** @returns undefined if there is no such object and the read was not pinned. @throws Fault */
export async function getObject(
  bucket: S3Bucket,
  key: string,
  { ifMatch, versionId, range }: GetOptions = {},
): Promise<OpenObject | undefined> {
  try {
    return await bucket.call('GetObject', key, async () => {
      const answer = await bucket.client.send(
        new GetObjectCommand({
          ...bucket.object(key),
          ...(ifMatch !== undefined && { IfMatch: quotedEtag(ifMatch) }),
          ...versionInput(versionId),
          ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
        }),
      );
      const info = objectInfo(key, answer, bucket.what('GetObject', key));
      // GET states the number of tags only if there are any.
      return { info: { ...info, tagCount: info.tagCount ?? 0 }, body: answer.Body as Readable };
    });
  } catch (error) {
    if (isFault(error, 'SourceGone') && ifMatch === undefined) return undefined;
    throw error;
  }
}

/** @throws Fault; `Unavailable` if a tag cannot be sent on */
export async function objectTags(
  bucket: S3Bucket,
  key: string,
  { versionId }: { versionId?: string } = {},
): Promise<Record<string, string>> {
  const input = { ...bucket.object(key), ...versionInput(versionId) };
  const answer = await bucket.call('GetObjectTagging', key, () =>
    bucket.client.send(new GetObjectTaggingCommand(input)),
  );
  const tags = (answer.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const);
  if (tags.flat().every((text) => text.isWellFormed())) return Object.fromEntries(tags);
  throw new Fault('Unavailable', `${bucket.what('GetObjectTagging', key)}: the tags are not well-formed Unicode`);
}
