import type { ChecksumAlgorithm } from '../object.ts';
import { unknownTraits, type ConditionalCall, type Store, type StoreTraits } from './store.ts';
import { aliyunOss } from './vendors/aliyun-oss.ts';
import { aws } from './vendors/aws.ts';
import { ceph } from './vendors/ceph.ts';
import { gcs } from './vendors/gcs.ts';
import { minio } from './vendors/minio.ts';
import { qiniu } from './vendors/qiniu.ts';
import { r2 } from './vendors/r2.ts';
import { tencentCos } from './vendors/tencent-cos.ts';
import { wasabi } from './vendors/wasabi.ts';

export type { Answer, Condition, ConditionalCall, Fact, Store, StoreAddress, StoreTraits } from './store.ts';

/** Any store that speaks the S3 protocol. */
const s3Compatible: Store = {
  title: 'another S3-compatible store',
  address: {
    hosts: [],
    bucketNames: { is: 'endpoint', why: 'not known; assumed' },
    style: { is: 'either', why: 'not known; hosts unless `forcePathStyle` is set' },
  },
  traits: unknownTraits,
};

/** By the names that a configuration uses. */
export const stores = {
  aws,
  'aliyun-oss': aliyunOss,
  'tencent-cos': tencentCos,
  qiniu,
  minio,
  ceph,
  wasabi,
  gcs,
  r2,
  's3-compatible': s3Compatible,
} as const satisfies Readonly<Record<string, Store>>;

export type StoreName = keyof typeof stores;

export const storeNames = Object.keys(stores) as [StoreName, ...StoreName[]];

/** What says which store a side is at. */
export interface StoreHint {
  readonly store?: StoreName | undefined;
  readonly endpoint?: string | undefined;
}

/**
 * The store of a side: as configured, else by its endpoint's host name, else `s3-compatible`. Without an endpoint it is
 * S3 itself.
 */
export function storeOf({ store, endpoint }: StoreHint): StoreName {
  return store ?? (endpoint === undefined ? 'aws' : (storeOfHost(hostOf(endpoint))?.store ?? 's3-compatible'));
}

/** How the store of a side differs from S3. */
export function traitsOf(side: StoreHint): StoreTraits {
  return stores[storeOf(side)].traits;
}

/** Does the store of a side verify, keep and state such a checksum of a whole object? */
export function keepsChecksum(side: StoreHint, algorithm: ChecksumAlgorithm): boolean {
  return traitsOf(side).checksums.is.includes(algorithm);
}

/** Is it worth the header to ask the store of a side for checksums of whole objects? */
export function statesChecksums(side: StoreHint): boolean {
  return traitsOf(side).checksums.is.length > 0;
}

/** The vendor whose host name it is, and the region that the name contains. @returns undefined for an unknown host */
export function storeOfHost(host: string): { readonly store: StoreName; readonly region?: string } | undefined {
  for (const store of storeNames) {
    const { hosts }: { readonly hosts: readonly RegExp[] } = stores[store].address;
    const match = hosts.map((form) => form.exec(host)).find((found) => found !== null);
    const region = match?.groups?.['region'];
    if (match) return { store, ...(region !== undefined && { region }) };
  }
  return undefined;
}

/** The region that the endpoint of a store has in its host name. */
export function regionInEndpoint({ store, endpoint }: StoreHint): string | undefined {
  const found = endpoint === undefined ? undefined : storeOfHost(hostOf(endpoint));
  return store === undefined || store === found?.store ? found?.region : undefined;
}

/** The host name of an endpoint, in lower case; empty if it is no URL. */
export function hostOf(endpoint: string): string {
  return URL.parse(endpoint)?.hostname.toLowerCase() ?? '';
}

/** Does the store compare, in this call, what the call replaces, by both conditions that the call can have? */
export function comparesReplaced({ conditionalWrites }: StoreTraits, call: ConditionalCall): boolean {
  const known = conditionalWrites.is[call] ?? [];
  // Nothing is replaced by a deletion of nothing.
  return known.includes('If-Match') && (call === 'delete' || known.includes('If-None-Match: *'));
}
