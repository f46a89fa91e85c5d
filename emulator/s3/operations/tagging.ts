import { receiveDocument } from '../http/body.ts';
import { parseTagging, printTags, storedTags, taggingDocument } from '../http/tags.ts';
import { requireObject, type Answer, type Call, type Server } from '../call.ts';

/** GetObjectTagging. */
export function getTagging(call: Call, server: Server): Answer {
  const { tags } = requireObject(server, call.info.bucket, call.info.key);
  return { status: 200, body: taggingDocument(storedTags(tags)) };
}

/** PutObjectTagging. */
export async function putTagging(call: Call, server: Server): Promise<Answer> {
  const { bucket, key } = call.info;
  const tags = parseTagging(await receiveDocument(call));
  requireObject(server, bucket, key);
  server.storage.objects.setTags(bucket, key, printTags(tags));
  return { status: 200 };
}

/** DeleteObjectTagging. */
export function deleteTagging(call: Call, server: Server): Answer {
  const { bucket, key } = requireObject(server, call.info.bucket, call.info.key);
  server.storage.objects.setTags(bucket, key, printTags([]));
  return { status: 204 };
}
