import { describe, expect, it } from '@jest/globals';
import { objectInfo } from '../../../../shared/aws/s3/object-info.ts';
import { objectKey } from '../../../../shared/model/object-key.ts';

const answer = { $metadata: {}, ContentLength: 1, ETag: '"e"' };

describe('what an object has and no copy can carry', () => {
  it.each([
    [{}, undefined],
    [{ MissingMeta: 0, ObjectLockLegalHoldStatus: 'OFF' as const }, undefined],
    [{ MissingMeta: 2 }, ['metadata']],
    [{ ObjectLockMode: 'GOVERNANCE' as const }, ['objectLock']],
    [{ ObjectLockLegalHoldStatus: 'ON' as const }, ['objectLock']],
    [{ MissingMeta: 1, ObjectLockMode: 'COMPLIANCE' as const }, ['metadata', 'objectLock']],
  ])('of %j is %j', (fields, uncarried) => {
    expect(objectInfo(objectKey('k'), { ...answer, ...fields }, 'HeadObject').uncarried).toEqual(uncarried);
  });
});
