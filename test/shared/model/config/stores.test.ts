import { describe, expect, it } from '@jest/globals';
import { parseTask, type Task } from '../../../../shared/model/config/task.ts';

/** The store of a side: what its name fills in, and what contradicts it. */

function parsed(side: object): Task {
  const task = { name: 'n', source: { bucket: 'photos' }, destination: { bucket: 'mirror', ...side } };
  return parseTask(JSON.stringify(task), 'task n');
}

function messageOf(side: object): string {
  try {
    parsed(side);
  } catch (error) {
    expect(error).toMatchObject({ name: 'InvalidTask', retry: 'never' });
    return (error as Error).message;
  }
  throw new Error('no fault');
}

const accountId = '0123456789abcdef'.repeat(2);
const oss = 'https://s3.oss-cn-hangzhou.aliyuncs.com';

describe('the name of a store', () => {
  it.each([
    [{ store: 'aws', region: 'US-EAST-1' }, { region: 'us-east-1' }],
    [
      { store: 'aliyun-oss', region: 'cn-hangzhou' },
      { endpoint: oss, region: 'cn-hangzhou' },
    ],
    [
      { store: 'aliyun-oss', region: ' oss-cn-hangzhou ' },
      { endpoint: oss, region: 'cn-hangzhou' },
    ],
    [{ store: 'aliyun-oss', region: 'ap-southeast-1' }, { endpoint: 'https://s3.oss-ap-southeast-1.aliyuncs.com' }],
    [
      { store: 'aliyun-oss', region: 'rg-china-mainland' },
      { endpoint: 'https://s3.oss-rg-china-mainland.aliyuncs.com' },
    ],
    [{ store: 'tencent-cos', region: 'ap-guangzhou' }, { endpoint: 'https://cos.ap-guangzhou.myqcloud.com' }],
    [{ store: 'qiniu', region: 'cn-east-1' }, { endpoint: 'https://s3.cn-east-1.qiniucs.com' }],
    [{ store: 'wasabi', region: 'eu-central-1' }, { endpoint: 'https://s3.eu-central-1.wasabisys.com' }],
    [{ store: 'gcs' }, { endpoint: 'https://storage.googleapis.com', region: 'auto' }],
    [
      { store: 'gcs', region: 'US' },
      { endpoint: 'https://storage.googleapis.com', region: 'us' },
    ],
    [
      { store: 'r2', accountId },
      { endpoint: `https://${accountId}.r2.cloudflarestorage.com`, region: 'auto' },
    ],
    [
      { store: 'r2', endpoint: `https://${accountId}.eu.r2.cloudflarestorage.com`, accountId },
      { endpoint: `https://${accountId}.eu.r2.cloudflarestorage.com`, region: 'auto' },
    ],
    [
      { store: 'minio', endpoint: 'https://minio.example.com:9000' },
      { endpoint: 'https://minio.example.com:9000', forcePathStyle: true },
    ],
    [
      { store: 'ceph', endpoint: 'https://gateway.example.com', forcePathStyle: false },
      { endpoint: 'https://gateway.example.com', forcePathStyle: false },
    ],
    [{ store: 's3-compatible', endpoint: 'https://store.example' }, { endpoint: 'https://store.example' }],
    // A domain of one's own is the vendor's, as the configuration says.
    [{ store: 'aliyun-oss', endpoint: 'https://store.example', region: 'cn-beijing' }, { region: 'cn-beijing' }],
    [
      { store: 's3-compatible', endpoint: oss, region: 'elsewhere' },
      { endpoint: oss, region: 'elsewhere' },
    ],
  ])('fills in what follows from it: %j', (side, expected) => {
    const task = parsed(side);
    expect(task.destination).toMatchObject({ store: side.store, ...expected });
    // What is deployed is read again.
    expect(parseTask(JSON.stringify(task), 'task n')).toEqual(task);
  });

  it.each([
    [{ endpoint: oss }, { region: 'cn-hangzhou' }],
    [{ endpoint: 's3.oss-cn-hangzhou-internal.aliyuncs.com' }, { region: 'cn-hangzhou' }],
    [{ endpoint: 'https://mirror.cos.ap-guangzhou.myqcloud.com' }, { region: 'ap-guangzhou' }],
    [{ endpoint: 'https://storage.googleapis.com' }, { region: 'auto' }],
    [{ endpoint: 'https://s3.eu-west-1.amazonaws.com' }, { region: 'eu-west-1' }],
    [{ endpoint: 'https://s3.nl-1.wasabisys.com', region: 'eu-central-1' }, { region: 'eu-central-1' }],
  ])('is not needed with the endpoint of a known vendor: %j', (side, expected) => {
    const { destination } = parsed(side);
    expect(destination).toMatchObject(expected);
    expect(destination).not.toHaveProperty('store');
  });

  it.each([
    [{ store: 'oss', region: 'cn-hangzhou' }, 'destination.store: ', '"aliyun-oss"'],
    [{ store: 'aliyun-oss' }, 'destination.region: is missing', 'such as cn-hangzhou'],
    [{ store: 'tencent-cos' }, 'destination.region: is missing', "Tencent COS's endpoint is made of it"],
    [{ store: 'qiniu', region: 'z0' }, 'destination.region: found "z0"', 'a region of Qiniu Kodo such as cn-east-1'],
    [{ store: 'wasabi', region: 'nl-1' }, 'destination.region: found "nl-1"', 'such as eu-central-1'],
    [{ store: 'r2' }, 'destination.accountId: is missing', '32 hexadecimal digits'],
    [{ store: 'r2', accountId, region: 'weur' }, 'destination.region: found "weur"', 'such as auto'],
    [{ store: 'r2', accountId: 'mine' }, 'destination.accountId: expected an account ID of 32', 'hexadecimal digits'],
    [{ store: 'minio' }, 'destination.endpoint: is missing', 'the https:// address of MinIO'],
    [{ store: 's3-compatible' }, 'destination.endpoint: is missing', 'another S3-compatible store'],
    [
      { store: 'aliyun-oss', region: 'cn-hangzhou', endpoint: 'https://cos.ap-guangzhou.myqcloud.com' },
      "destination.endpoint: found https://cos.ap-guangzhou.myqcloud.com, which is Tencent COS's",
      `expected "store": "tencent-cos", or ${oss}`,
    ],
    [
      { store: 'aws', endpoint: oss },
      "destination.endpoint: found https://s3.oss-cn-hangzhou.aliyuncs.com, which is Aliyun OSS's",
      'expected "store": "aliyun-oss"',
    ],
    [
      { store: 'aliyun-oss', region: 'cn-beijing', endpoint: oss },
      'destination.region: found "cn-beijing" with https://s3.oss-cn-hangzhou.aliyuncs.com',
      'expected "cn-hangzhou", or the endpoint https://s3.oss-cn-beijing.aliyuncs.com',
    ],
    [
      { region: 'eu-west-1', endpoint: 'https://s3.us-east-1.amazonaws.com' },
      'destination.region: found "eu-west-1"',
      'expected "us-east-1"',
    ],
    [
      { endpoint: `https://${accountId}.r2.cloudflarestorage.com`, accountId: 'f'.repeat(32) },
      'destination.accountId: found "ffff',
      'expected the account of the endpoint',
    ],
    [{ accountId }, 'destination.accountId: found one for Amazon S3', 'expected none'],
    [
      { store: 'aliyun-oss', region: 'cn-hangzhou', forcePathStyle: true },
      'destination.forcePathStyle: found true for Aliyun OSS',
      'in the host only',
    ],
    [{ region: 'oss-cn-hangzhou' }, 'destination.region: found "oss-cn-hangzhou"', 'its name or its endpoint'],
  ])('is refused with the right form where something contradicts it: %j', (side, start, end) => {
    const message = messageOf(side);
    expect(message).toContain(start);
    expect(message.slice(message.indexOf(start))).toContain(end);
  });

  it('is asked once for what is missing, with one fault', () => {
    expect(messageOf({ store: 'aliyun-oss' }).split('\n')).toHaveLength(2);
    expect(messageOf({ store: 'r2' }).split('\n')).toHaveLength(2);
    expect(messageOf({ store: 'minio' }).split('\n')).toHaveLength(2);
  });
});
