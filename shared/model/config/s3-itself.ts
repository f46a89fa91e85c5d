import { storeOf, type StoreHint } from '../stores/stores.ts';

/** Is the side's store S3 itself, and not one that speaks its protocol? Its own endpoints are S3 itself too. */
export function isS3Itself(side: StoreHint): boolean {
  return storeOf(side) === 'aws';
}
