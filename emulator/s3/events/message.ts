import { encodeKey } from '../http/uri.ts';
import type { BucketRow } from '../store/schema.ts';

/** A change of an object. */
export interface ObjectEvent {
  /** Without `s3:`. */
  readonly name:
    'ObjectCreated:Put' | 'ObjectCreated:Copy' | 'ObjectCreated:CompleteMultipartUpload' | 'ObjectRemoved:Delete';
  readonly key: string;
  /** Size in bytes and ETag of a created object; missing for a deletion. */
  readonly object?: { readonly size: number; readonly etag: string };
}

/** Who sent the request, for the event record. */
export interface Origin {
  readonly requestId: string;
  readonly accessKeyId: string | undefined;
  readonly sourceIp: string;
}

let lastSequence = 0n;

/** Hex digits that strictly increase with each event, based on microseconds. */
function nextSequencer(): string {
  const now = BigInt(Date.now()) * 1000n;
  lastSequence = now > lastSequence ? now : lastSequence + 1n;
  return lastSequence.toString(16).toUpperCase().padStart(18, '0');
}

/** The ARN of a bucket in a region, in that region's partition. */
export function bucketArn(name: string, region: string): string {
  return `arn:${region.startsWith('cn-') ? 'aws-cn' : 'aws'}:s3:::${name}`;
}

/** The message that S3 sends for an event. @param configurationId the ID of the matching rule */
export function eventMessage(
  bucket: BucketRow,
  event: ObjectEvent,
  origin: Origin & { readonly at: number },
  configurationId: string,
): object {
  const created = event.object && { size: event.object.size, eTag: event.object.etag };
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: bucket.region,
        eventTime: new Date(origin.at).toISOString(),
        eventName: event.name,
        userIdentity: { principalId: `AWS:${origin.accessKeyId ?? 'ANONYMOUS'}` },
        requestParameters: { sourceIPAddress: origin.sourceIp },
        responseElements: { 'x-amz-request-id': origin.requestId, 'x-amz-id-2': origin.requestId },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId,
          bucket: {
            name: bucket.name,
            ownerIdentity: { principalId: 'OWNER' },
            arn: bucketArn(bucket.name, bucket.region),
          },
          object: { key: encodeKey(event.key), ...created, sequencer: nextSequencer() },
        },
      },
    ],
  };
}

/** The message that S3 sends to each queue of a new configuration. */
export function testMessage(bucket: string, requestId: string): object {
  return {
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date().toISOString(),
    Bucket: bucket,
    RequestId: requestId,
    HostId: requestId,
  };
}
