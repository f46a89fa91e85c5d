import { createS3Client } from '../../shared/aws/s3/client.ts';
import { S3ObjectStore } from '../../shared/aws/s3/object-store.ts';
import { asFault } from '../../shared/model/faults.ts';
import { parseS3Notification } from '../../shared/model/messages/s3-event.ts';
import { decodeJob } from '../../shared/model/job.ts';
import { objectKey } from '../../shared/model/object-key.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { transferObject } from '../../shared/transfer/transfer-object.ts';
import { contextOf } from '../support/context.ts';
import { taskBetweenEndpoints } from '../support/tasks.ts';
import { canary } from '../support/hostile-store.ts';
import { noAttributes } from '../support/objects.ts';

/**
 * Run by memory.test.ts with a small heap: eight callers at once meet a store that answers without an end.
 * Arguments: the store's endpoint. Writes the faults' names and the most memory it had, and ends with 0.
 */
const [endpoint = ''] = process.argv.slice(2);
const side = { bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint, forcePathStyle: true, requestPayer: false };
const store: ObjectStore = new S3ObjectStore(createS3Client(side, canary), side);
const source = { bucket: 'b', key: objectKey('k'), etag: 'e' };

const task = taskBetweenEndpoints({
  serverSideCopy: 'never',
  source: { bucket: 'bucket', endpoint },
  destination: { endpoint },
});
const context = contextOf(task, store, store);

const work: readonly (readonly [string, () => unknown])[] = [
  ['list', async () => store.list({ prefix: '' })[Symbol.asyncIterator]().next()],
  ['parts', () => store.listParts(objectKey('k'), 'U')],
  ['uploads', async () => store.listUploads('')[Symbol.asyncIterator]().next()],
  ['tags', () => store.tags(objectKey('k'))],
  ['create', () => store.createUpload(objectKey('k'), noAttributes)],
  ['complete', () => store.completeUpload(objectKey('k'), 'U', [], { size: 1 })],
  ['copy', () => store.copy(source, objectKey('k'), noAttributes)],
  ['delete', () => store.delete(objectKey('k'))],
  ['object', () => transferObject(context, { task: task.name, key: objectKey('in/object'), action: 'copy', size: 3 })],
  ['event', () => parseS3Notification(`{"Records":[${'0,'.repeat(500_000)}0]}`)],
  ['job', () => decodeJob(`{"job":{${Array.from({ length: 80_000 }, (_, n) => `"x${n}":1`).join()}}}`)],
];

let most = 0;
const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
const faults: Record<string, string> = {};
for (const [name, call] of work) {
  const ends = Array.from({ length: name === 'event' || name === 'job' ? 1 : 8 }, async () => {
    try {
      await call();
      return 'no fault';
    } catch (error) {
      return asFault(error).name;
    }
  });
  faults[name] = [...new Set(await Promise.all(ends))].join();
}
most = Math.max(most, process.memoryUsage().rss);
clearInterval(watch);
process.stdout.write(`${JSON.stringify({ faults, most })}\n`);
process.exit(0);
