import type { Side } from './side.ts';

/**
 * Is the side's store S3 itself, and not one that speaks its protocol? It is without an endpoint, and with one of
 * AWS's own: regional, dual-stack, FIPS and interface endpoints all end in AWS's domains.
 */
export function isS3Itself({ endpoint }: Pick<Side, 'endpoint'>): boolean {
  if (endpoint === undefined) return true;
  return /\.amazonaws\.com(\.cn)?$/i.test(URL.parse(endpoint)?.hostname ?? '');
}
