import { randomBytes } from 'node:crypto';
import { S3Error } from '../errors.ts';
import { parseConfiguration, printConfiguration, queueRules, type Configuration } from '../events/configuration.ts';
import { receiveDocument } from '../http/body.ts';
import { document, element, group, parseXml, textOf } from '../http/xml.ts';
import { header, requireBucket, type Answer, type Call, type Server } from '../call.ts';
import { ownerId } from './owner.ts';

/** The region without a `LocationConstraint`. */
const defaultRegion = 'us-east-1';
const bucketName =
  /^(?!xn--|\d+\.\d+\.\d+\.\d+$)(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/**
 * Creates a bucket.
 * @throws S3Error InvalidBucketName; BucketAlreadyOwnedByYou, except in us-east-1, where S3 ignores a repeated creation
 */
export function makeBucket(server: Server, name: string, region: string): void {
  if (!bucketName.test(name)) throw new S3Error('InvalidBucketName', undefined, { details: { BucketName: name } });
  const current = server.storage.buckets.find(name);
  if (current?.region === defaultRegion && region === defaultRegion) return;
  if (current !== undefined) {
    throw new S3Error('BucketAlreadyOwnedByYou', undefined, { details: { BucketName: name } });
  }
  server.storage.buckets.add({ name, created: server.now(), region, notifications: '[]' });
}

/** CreateBucket. */
export async function createBucket(call: Call, server: Server): Promise<Answer> {
  const xml = await receiveDocument(call);
  const constraint =
    xml.trim() === '' ? undefined : textOf(parseXml(xml, 'CreateBucketConfiguration'), 'LocationConstraint');
  makeBucket(server, call.info.bucket, constraint === undefined || constraint === '' ? server.region : constraint);
  return { status: 200, headers: { location: `/${call.info.bucket}` } };
}

/** ListBuckets, always one page. */
export function listBuckets(_call: Call, server: Server): Answer {
  const buckets = server.storage.buckets.all().map(({ name, created, region }) => {
    const date = new Date(created).toISOString();
    return group('Bucket', element('Name', name), element('CreationDate', date), element('BucketRegion', region));
  });
  const owner = group('Owner', element('ID', ownerId));
  return { status: 200, body: document('ListAllMyBucketsResult', owner, group('Buckets', ...buckets)) };
}

/** HeadBucket. */
export function headBucket(call: Call, server: Server): Answer {
  const { region } = requireBucket(server, call.info.bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': region } };
}

/** DeleteBucket: the bucket must be empty. Its open uploads are aborted. */
export function deleteBucket(call: Call, server: Server): Answer {
  const { storage } = server;
  const { name } = requireBucket(server, call.info.bucket);
  storage.commit((commit) => {
    if (!storage.objects.isEmpty(name)) {
      throw new S3Error('BucketNotEmpty', undefined, { details: { BucketName: name } });
    }
    for (const upload of storage.uploads.of(name)) {
      storage.uploads.delete(upload.id);
      storage.dropContent(commit, upload.content);
    }
    storage.buckets.delete(name);
  });
  return { status: 204 };
}

/** GetBucketLocation. */
export function getBucketLocation(call: Call, server: Server): Answer {
  const { region } = requireBucket(server, call.info.bucket);
  // The only answer with text in the root element; it is empty for us-east-1.
  return { status: 200, body: document('LocationConstraint', region === defaultRegion ? '' : region) };
}

/** GetBucketVersioning: versioning is not supported, so never enabled. */
export function getBucketVersioning(call: Call, server: Server): Answer {
  requireBucket(server, call.info.bucket);
  return { status: 200, body: document('VersioningConfiguration') };
}

/** GetBucketNotificationConfiguration. */
export function getNotifications(call: Call, server: Server): Answer {
  const { notifications } = requireBucket(server, call.info.bucket);
  return { status: 200, body: printConfiguration(JSON.parse(notifications) as Configuration[]) };
}

/** PutBucketNotificationConfiguration: sends a test event to each queue, then replaces the configuration. */
export async function putNotifications(call: Call, server: Server): Promise<Answer> {
  const { name } = requireBucket(server, call.info.bucket);
  const xml = await receiveDocument(call);
  const configurations = parseConfiguration(xml, () => randomBytes(12).toString('base64url'));
  if (header(call, 'x-amz-skip-destination-validation') !== 'true') {
    const queues = queueRules(configurations).map(({ queueArn }) => queueArn);
    await server.publisher.test(queues, name, call.requestId);
  }
  server.storage.buckets.setNotifications(name, JSON.stringify(configurations));
  return { status: 200 };
}
