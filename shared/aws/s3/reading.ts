import { GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { Fault, isFault } from '../../model/faults.ts';
import type { ObjectInfo } from '../../model/object.ts';
import type { GetOptions, HeadOptions, OpenObject } from '../../ports/object-store.ts';
import { objectInfo } from './object-info.ts';
import type { S3Bucket } from './bucket.ts';

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
          ...bucket.common,
          Key: key,
          ...(versionId !== undefined && { VersionId: versionId }),
          ...(partNumber !== undefined && { PartNumber: partNumber }),
          ...(checksum === true && { ChecksumMode: 'ENABLED' }),
        }),
      );
      // Of a part, Content-Range would tell the whole object's size; the part's is asked for.
      const own = partNumber === undefined ? answer : { ...answer, ContentRange: undefined };
      return objectInfo(key, own, bucket.what('HeadObject', key));
    });
  } catch (error) {
    if (!isFault(error, 'SourceGone')) throw error;
    await bucket.expect();
    return undefined;
  }
}

export async function getObject(
  bucket: S3Bucket,
  key: string,
  { ifMatch, versionId, range }: GetOptions = {},
): Promise<OpenObject | undefined> {
  try {
    return await bucket.call('GetObject', key, async () => {
      const answer = await bucket.client.send(
        new GetObjectCommand({
          ...bucket.common,
          Key: key,
          ...(ifMatch !== undefined && { IfMatch: `"${ifMatch}"` }),
          ...(versionId !== undefined && { VersionId: versionId }),
          ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
        }),
      );
      const info = objectInfo(key, answer, bucket.what('GetObject', key));
      // GET names the number of tags where there are some.
      return { info: { ...info, tagCount: info.tagCount ?? 0 }, body: answer.Body as Readable };
    });
  } catch (error) {
    if (isFault(error, 'SourceGone') && ifMatch === undefined) return undefined;
    throw error;
  }
}

export async function objectTags(
  bucket: S3Bucket,
  key: string,
  { versionId }: { versionId?: string } = {},
): Promise<Record<string, string>> {
  const input = { ...bucket.common, Key: key, ...(versionId !== undefined && { VersionId: versionId }) };
  const answer = await bucket.call('GetObjectTagging', key, () =>
    bucket.client.send(new GetObjectTaggingCommand(input)),
  );
  const tags = (answer.TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const);
  if (tags.flat().every((text) => text.isWellFormed())) return Object.fromEntries(tags);
  throw new Fault('Unavailable', `${bucket.what('GetObjectTagging', key)}: the tags are no well-formed Unicode`);
}
