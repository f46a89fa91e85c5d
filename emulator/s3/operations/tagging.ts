import { refusalError } from '../personalities/request.ts';
import { receiveDocument } from '../http/body.ts';
import { blankTags, parseTagging, printTags, storedTags, taggingDocument } from '../http/tags.ts';
import { requireObject, type Answer, type Call, type Server } from '../call.ts';

/** GetObjectTagging. */
export function getTagging(call: Call, server: Server): Answer {
  const stored = requireObject(call, server).tags;
  if (stored === blankTags) return { status: 200, headers: { 'content-type': 'application/xml' } };
  const tags = storedTags(stored);
  const { none } = call.personality.tags;
  if (tags.length === 0 && none !== 'empty') throw refusalError(none);
  return { status: 200, body: taggingDocument(tags) };
}

/** PutObjectTagging. */
export async function putTagging(call: Call, server: Server): Promise<Answer> {
  const { bucket, key } = call.info;
  const tags = parseTagging(await receiveDocument(call));
  requireObject(call, server);
  server.storage.objects.setTags(bucket, key, printTags(tags));
  return { status: 200 };
}

/** DeleteObjectTagging. */
export function deleteTagging(call: Call, server: Server): Answer {
  const { bucket, key } = requireObject(call, server);
  server.storage.objects.setTags(bucket, key, printTags([]));
  return { status: 204 };
}
