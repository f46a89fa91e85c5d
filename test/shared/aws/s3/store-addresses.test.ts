import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { BoundedHttpHandler } from '../../../../shared/aws/http/handler.ts';
import type { SdkRequest } from '../../../../shared/aws/http/request.ts';
import { createS3Client } from '../../../../shared/aws/s3/client.ts';
import { parseTask } from '../../../../shared/model/config/task.ts';
import { localKeys } from '../../../support/local-s3.ts';

/** Where requests go for a side that names its store, and what they are signed for. Nothing is sent. */

class Unsent extends BoundedHttpHandler {
  readonly requests: SdkRequest[] = [];

  override handle(request: SdkRequest): never {
    this.requests.push(request);
    throw new Error('not sent');
  }
}

async function requestOf(side: object, write = false): Promise<SdkRequest> {
  const text = JSON.stringify({ name: 'n', source: { bucket: 'photos', ...side }, destination: { bucket: 'mirror' } });
  const { source } = parseTask(text, 'task n');
  const handler = new Unsent({ maxSockets: 1 });
  const client = createS3Client(source, { ...localKeys, region: 'us-east-1' }, handler);
  const object = { Bucket: source.bucket, Key: 'a/ü' };
  const sent = write
    ? client.send(new PutObjectCommand({ ...object, Body: 'x' }))
    : client.send(new HeadObjectCommand(object));
  await expect(sent).rejects.toThrow('not sent');
  client.destroy();
  const [request] = handler.requests;
  if (!request) throw new Error('no request');
  return request;
}

const accountId = '0123456789abcdef'.repeat(2);

describe('requests to a store with a name', () => {
  it.each([
    [{ store: 'aws', region: 'eu-west-1' }, 'photos.s3.eu-west-1.amazonaws.com', '', 'eu-west-1'],
    [{ store: 'aliyun-oss', region: 'oss-cn-hangzhou' }, 'photos.s3.oss-cn-hangzhou.aliyuncs.com', '', 'cn-hangzhou'],
    [{ store: 'tencent-cos', region: 'ap-guangzhou' }, 'photos.cos.ap-guangzhou.myqcloud.com', '', 'ap-guangzhou'],
    [{ store: 'qiniu', region: 'cn-east-1' }, 'photos.s3.cn-east-1.qiniucs.com', '', 'cn-east-1'],
    [{ store: 'wasabi', region: 'eu-central-1' }, 'photos.s3.eu-central-1.wasabisys.com', '', 'eu-central-1'],
    [{ store: 'gcs' }, 'photos.storage.googleapis.com', '', 'auto'],
    [{ store: 'r2', accountId }, `photos.${accountId}.r2.cloudflarestorage.com`, '', 'auto'],
    [{ store: 'minio', endpoint: 'https://store.example' }, 'store.example', '/photos', 'us-east-1'],
    [{ store: 'ceph', endpoint: 'https://store.example', region: 'eu' }, 'store.example', '/photos', 'eu'],
    [{ endpoint: 'https://store.example' }, 'photos.store.example', '', 'us-east-1'],
  ])('%j go to %s%s and are signed for %s', async (side, host, base, region) => {
    const { hostname, path, headers } = await requestOf(side);
    expect({ hostname, path }).toEqual({ hostname: host, path: `${base}/a/%C3%BC` });
    expect(headers['authorization']).toContain(`/${region}/s3/aws4_request`);
    expect(headers['authorization']).not.toContain('accept-encoding');
  });

  it('name their operation, but not to Google, whose signature would not match', async () => {
    expect((await requestOf({ store: 'wasabi', region: 'eu-central-1' }, true)).query).toEqual({ 'x-id': 'PutObject' });
    expect((await requestOf({ store: 'gcs' }, true)).query).toEqual({});
    expect((await requestOf({ endpoint: 'https://storage.googleapis.com' }, true)).query).toEqual({});
  });
});
