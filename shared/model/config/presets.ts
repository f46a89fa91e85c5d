import { regionInEndpoint, storeNames, storeOf, stores, type Store, type StoreName } from '../stores/stores.ts';

/** What the name of a store, or an endpoint's host name, says about the other fields of a side. */

type Fields = Readonly<Record<string, unknown>>;

/**
 * The side with the fields that follow from its store: the region as its vendor writes it, or the one in the endpoint;
 * the endpoint, made of the region or the account; `forcePathStyle` where buckets have no hosts. Fields that are there
 * are kept: rules compare them (store-rules.ts). Never throws; the schema checks the rest.
 */
export function withPreset(side: Fields): Fields {
  const { store, endpoint } = side;
  if (store !== undefined && !isStoreName(store)) return side;
  if (endpoint !== undefined && typeof endpoint !== 'string') return side;
  const { address }: Store = stores[storeOf({ store, endpoint })];
  const region =
    side['region'] === undefined
      ? (regionInEndpoint({ store, endpoint }) ?? address.defaultRegion?.is)
      : spelledRegion(side['region'], address);
  const made = endpoint ?? madeEndpoint(address, region, side['accountId']);
  return {
    ...side,
    ...(region !== undefined && { region }),
    ...(made !== undefined && { endpoint: made }),
    ...(address.style.is === 'path' && { forcePathStyle: side['forcePathStyle'] ?? true }),
  };
}

function isStoreName(value: unknown): value is StoreName {
  return storeNames.some((name) => name === value);
}

/** Regions of S3 are corrected elsewhere (pasted.ts). */
function spelledRegion(region: unknown, { endpoint, regionPrefix = '' }: Store['address']): unknown {
  if (typeof region !== 'string' || !endpoint) return region;
  const lower = region.toLowerCase();
  return lower.startsWith(regionPrefix) ? lower.slice(regionPrefix.length) : lower;
}

/** @returns undefined if something is missing, or is no region of the vendor */
function madeEndpoint(
  { endpoint, regions }: Store['address'],
  region: unknown,
  accountId: unknown,
): string | undefined {
  if (!endpoint) return undefined;
  if (typeof region === 'string' && regions && !regions.is.test(region)) return undefined;
  const parts: Fields = { region, accountId };
  const made = endpoint.is.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const part = parts[name];
    return typeof part === 'string' ? part : whole;
  });
  return made.includes('{') ? undefined : made;
}
