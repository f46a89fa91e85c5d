import { describe, expect, it } from '@jest/globals';
import { isS3Itself } from '../../../shared/model/config/s3-itself.ts';
import { sameEtag } from '../../../shared/model/object.ts';

const md5 = '0cc175b9c0f1b6a831c399e269772661';

describe('sameEtag', () => {
  it.each([
    [md5, md5.toUpperCase(), true],
    [`${md5}-3`, `${md5.toUpperCase()}-3`, true],
    [`${md5}-3`, `${md5}-4`, false],
    [`${md5}-3`, md5, false],
    ['FgT0kcGqB', 'FgT0kcGqB', true],
    ['FgT0kcGqB', 'fgt0kcgqb', false],
    ['', '', true],
    ['', md5, false],
  ])('of %s and %s is %s', (one, other, same) => {
    expect(sameEtag(one, other)).toBe(same);
    expect(sameEtag(other, one)).toBe(same);
  });
});

describe('isS3Itself', () => {
  it.each([
    [undefined, true],
    ['https://s3.eu-west-1.amazonaws.com', true],
    ['https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com', true],
    ['https://s3.cn-north-1.amazonaws.com.cn/', true],
    ['https://s3.oss-cn-hangzhou.aliyuncs.com', false],
    ['https://amazonaws.com.example.org', false],
    ['https://notamazonaws.com', false],
    ['http://127.0.0.1:9000', false],
  ])('of the endpoint %s is %s', (endpoint, itself) => {
    expect(isS3Itself({ ...(endpoint !== undefined && { endpoint }) })).toBe(itself);
  });
});
