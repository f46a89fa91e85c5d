/** The account that owns every bucket; compared with `x-amz-expected-bucket-owner`. */
export const ownerAccountId = '000000000000';

/** The canonical ID of that account, as in listings. */
export const ownerId = '0000000000000000000000000000000000000000000000000000000000000000';
