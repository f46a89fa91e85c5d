import { describe, expect, it } from '@jest/globals';
import { unknownTraits, type Fact, type Store } from '../../../../shared/model/stores/store.ts';
import {
  comparesReplaced,
  hostOf,
  storeNames,
  storeOf,
  storeOfHost,
  stores,
  traitsOf,
  type StoreName,
} from '../../../../shared/model/stores/stores.ts';

const all = storeNames.map((name): readonly [StoreName, Store] => [name, stores[name]]);

describe('the stores', () => {
  it.each(all)('%s: each fact has a source', (_, { address, traits }) => {
    const values: unknown[] = Object.values({ ...address, ...traits });
    const facts = values.filter(
      (value): value is Fact<unknown> => typeof value === 'object' && value !== null && 'why' in value,
    );
    expect(facts.length).toBeGreaterThanOrEqual(Object.keys(unknownTraits).length + 1);
    for (const { why } of facts) expect(why).toMatch(/^\S.{5,118}\S$/);
  });

  it.each(all)('%s: the endpoint that is made is recognised, with its region', (name, { address }) => {
    if (!address.endpoint) return;
    const region = address.exampleRegion ?? '';
    const endpoint = address.endpoint.is
      .replace('{region}', region)
      .replace('{accountId}', '0123456789abcdef'.repeat(2));
    expect(endpoint).not.toContain('{');
    const found = storeOfHost(hostOf(endpoint));
    expect(found?.store).toBe(name);
    if (address.endpoint.is.includes('{region}')) expect(found?.region).toBe(region);
  });

  it.each(all)('%s: the example and the default are regions as its vendor writes them', (_, { address }) => {
    const { regions, exampleRegion, defaultRegion } = address;
    for (const region of [exampleRegion, defaultRegion?.is]) {
      if (region !== undefined && regions) expect(region).toMatch(regions.is);
    }
  });
});

describe('the store of a side', () => {
  it.each<readonly [string, StoreName, string | undefined]>([
    ['https://s3.us-east-1.amazonaws.com', 'aws', 'us-east-1'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'aws', 'cn-north-1'],
    ['https://s3.dualstack.eu-west-1.amazonaws.com', 'aws', 'eu-west-1'],
    ['https://s3-fips.us-gov-west-1.amazonaws.com', 'aws', 'us-gov-west-1'],
    ['https://s3-us-west-2.amazonaws.com', 'aws', 'us-west-2'],
    ['https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com', 'aws', 'us-east-1'],
    ['https://s3.amazonaws.com', 'aws', undefined],
    ['https://S3.OSS-CN-HANGZHOU.ALIYUNCS.COM', 'aliyun-oss', 'cn-hangzhou'],
    ['https://s3.oss-cn-hangzhou-internal.aliyuncs.com', 'aliyun-oss', 'cn-hangzhou'],
    ['https://oss-us-west-1.aliyuncs.com', 'aliyun-oss', 'us-west-1'],
    ['https://s3.oss-accelerate.aliyuncs.com', 'aliyun-oss', undefined],
    ['https://cos.ap-guangzhou.myqcloud.com:443', 'tencent-cos', 'ap-guangzhou'],
    ['https://cos.accelerate.myqcloud.com', 'tencent-cos', undefined],
    ['https://s3-cn-east-1.qiniucs.com/', 'qiniu', 'cn-east-1'],
    ['https://s3.wasabisys.com', 'wasabi', undefined],
    ['https://s3.nl-1.wasabisys.com', 'wasabi', undefined],
    ['https://0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com', 'r2', undefined],
    ['https://storage.googleapis.com', 'gcs', undefined],
  ])('%s is %s', (endpoint, store, region) => {
    expect(storeOf({ endpoint })).toBe(store);
    expect(storeOfHost(hostOf(endpoint))?.region).toBe(region);
  });

  it.each([
    'https://minio.example.com:9000',
    'http://127.0.0.1:4566',
    'https://amazonaws.com.example.com',
    'https://s3.oss-cn-hangzhou.aliyuncs.com.example.com',
    'https://notamazonaws.com',
    'https://storage.googleapis.com.evil.example',
    'no URL',
  ])('%s is not known', (endpoint) => {
    expect(storeOf({ endpoint })).toBe('s3-compatible');
    expect(traitsOf({ endpoint })).toBe(unknownTraits);
  });

  it('is S3 itself without an endpoint, and what the configuration says with one', () => {
    expect(storeOf({})).toBe('aws');
    expect(storeOf({ store: 'ceph', endpoint: 'https://gateway.example.com' })).toBe('ceph');
    expect(storeOf({ store: 's3-compatible', endpoint: 'https://storage.googleapis.com' })).toBe('s3-compatible');
  });
});

describe('conditional writes', () => {
  it('are relied on where both conditions of the call are compared', () => {
    const calls = ['put', 'complete', 'copy', 'delete'] as const;
    const at = (store: StoreName) => calls.filter((call) => comparesReplaced(traitsOf({ store }), call));
    expect(at('aws')).toEqual(calls);
    expect(at('r2')).toEqual(['put']);
    for (const other of storeNames.filter((name) => name !== 'aws' && name !== 'r2')) expect(at(other)).toEqual([]);
  });
});
