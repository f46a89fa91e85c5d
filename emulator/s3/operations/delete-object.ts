import { S3Error } from '../errors.ts';
import { receiveDocument } from '../http/body.ts';
import { refusalError } from '../personalities/request.ts';
import { checkWrite } from '../http/conditions.ts';
import { childrenOf, document, element, group, parseXml, textOf } from '../http/xml.ts';
import type { ObjectRow } from '../store/schema.ts';
import { originOf, parameter, requireAllowed, requireBucket, type Answer, type Call, type Server } from '../call.ts';

interface DeleteRequest {
  readonly quiet: boolean;
  readonly keys: readonly { readonly key: string; readonly etag: string | undefined }[];
}

const maxKeys = 1000;

/** Parses the body of DeleteObjects. @throws S3Error MalformedXML */
function parseDelete(xml: string): DeleteRequest {
  const root = parseXml(xml, 'Delete');
  const keys = childrenOf(root, 'Object').map((object) => {
    const key = textOf(object, 'Key');
    if (key === undefined || key === '') throw new S3Error('MalformedXML');
    return { key, etag: textOf(object, 'ETag') };
  });
  if (keys.length === 0 || keys.length > maxKeys) throw new S3Error('MalformedXML');
  return { quiet: textOf(root, 'Quiet')?.toLowerCase() === 'true', keys };
}

/** Deletes an object if it exists and `check` does not throw. */
function remove(call: Call, server: Server, key: string, check: (current: ObjectRow | undefined) => void): void {
  const { storage, publisher } = server;
  const bucket = requireBucket(server, call.info.bucket);
  storage.commit((commit) => {
    const current = storage.objects.find(bucket.name, key);
    check(current);
    if (current === undefined) return;
    storage.dropObject(commit, current);
    publisher.record(commit, bucket, { name: 'ObjectRemoved:Delete', key }, originOf(call));
  });
}

/** DeleteObject: succeeds also if the object does not exist. */
export function deleteObject(call: Call, server: Server): Answer {
  const version = parameter(call, 'versionId');
  if (version !== undefined && version !== 'null') {
    throw new S3Error('InvalidArgument', 'Invalid version id specified');
  }
  const { deleteMissing } = call.personality.objects;
  remove(call, server, call.info.key, (current) => {
    checkWrite(call, server, current);
    if (current === undefined && deleteMissing !== 'done') throw refusalError(deleteMissing);
  });
  return { status: 204 };
}

/** DeleteObjects: up to 1,000 keys, with a result for each. */
export async function deleteObjects(call: Call, server: Server): Promise<Answer> {
  requireBucket(server, call.info.bucket);
  const { quiet, keys } = parseDelete(await receiveDocument(call, 'required'));
  const results = keys.map(({ key, etag }) => {
    try {
      requireAllowed(call, server, { operation: 'DeleteObject', bucket: call.info.bucket, key });
      remove(call, server, key, (current) => {
        if (etag !== undefined && etag.replaceAll('"', '') !== current?.etag) throw new S3Error('PreconditionFailed');
      });
      return quiet ? '' : group('Deleted', element('Key', key));
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return group('Error', element('Key', key), element('Code', error.code), element('Message', error.message));
    }
  });
  return { status: 200, body: document('DeleteResult', ...results) };
}
