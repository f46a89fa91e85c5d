/** The account everything here belongs to; what `x-amz-expected-bucket-owner` is compared with. */
export const ACCOUNT_ID = '000000000000';

/** The canonical id of that account, as listings show it. */
export const OWNER_ID = '0000000000000000000000000000000000000000000000000000000000000000';
