import { hostOf, regionInEndpoint, storeOf, storeOfHost, stores, type Store } from '../stores/stores.ts';
import type { Side } from './side.ts';

/** What the fields of a side say about its store, and how they contradict each other. */

type Found = readonly (readonly [field: string, fault: string | undefined])[];

/** The faults of where the store is, each with its field. S3 itself has other rules too (side-rules.ts). */
export function storeFaults(side: Side): Found {
  return [
    ['endpoint', vendorFault(side) ?? missingEndpoint(side)],
    ['region', regionFault(side)],
    ['accountId', accountFault(side)],
    ['forcePathStyle', styleFault(side)],
  ];
}

function storeAt(side: Side): Store {
  return stores[storeOf(side)];
}

/** The endpoint of another vendor than the store's. `s3-compatible` says that nothing is to be assumed. */
function vendorFault({ store, endpoint, region, accountId }: Side): string | undefined {
  if (store === undefined || store === 's3-compatible' || endpoint === undefined) return undefined;
  const found = storeOfHost(hostOf(endpoint))?.store;
  if (found === undefined || found === store) return undefined;
  return (
    `found ${endpoint}, which is ${stores[found].title}'s, with "store": "${store}"; ` +
    `expected "store": "${found}", or ${endpointForm(stores[store], { region, accountId })}`
  );
}

/** The form of a store's endpoint, with what is known of it. */
function endpointForm({ address, title }: Store, known: Readonly<Record<string, string | undefined>>): string {
  if (!address.endpoint) return `the address of ${title}`;
  return address.endpoint.is.replace(/\{(\w+)\}/g, (_, name: string) => known[name] ?? name.toUpperCase());
}

function missingEndpoint(side: Side): string | undefined {
  const { address, title } = storeAt(side);
  // What an endpoint would be made of has a fault of its own.
  if (side.endpoint !== undefined || storeOf(side) === 'aws' || address.endpoint) return undefined;
  return `is missing, expected the https:// address of ${title}, which no name says`;
}

function regionFault(side: Side): string | undefined {
  const { region, endpoint } = side;
  const { address, title } = storeAt(side);
  const example = address.exampleRegion ?? 'us-east-1';
  if (region === undefined) {
    if (endpoint !== undefined || address.endpoint?.is.includes('{region}') !== true) return undefined;
    return `is missing, expected the region of the bucket, such as ${example}: ${title}'s endpoint is made of it`;
  }
  if (address.regions && !address.regions.is.test(region)) {
    return `found "${region}", expected a region of ${title} such as ${example}`;
  }
  const inHost = regionInEndpoint(side);
  if (inHost === undefined || inHost === region) return undefined;
  const other = address.endpoint ? `, or the endpoint ${endpointForm(storeAt(side), { region })}` : '';
  return `found "${region}" with ${endpoint ?? ''}, expected "${inHost}"${other}`;
}

function accountFault(side: Side): string | undefined {
  const { accountId, endpoint } = side;
  const { address, title } = storeAt(side);
  const isMadeOfIt = address.endpoint?.is.includes('{accountId}') === true;
  if (accountId === undefined) {
    if (endpoint !== undefined || !isMadeOfIt) return undefined;
    return `is missing, expected the account's ID (32 hexadecimal digits): ${title}'s endpoint is made of it`;
  }
  if (!isMadeOfIt) return `found one for ${title}, whose endpoint has none; expected none`;
  if (endpoint === undefined || hostOf(endpoint).startsWith(`${accountId}.`)) return undefined;
  return `found "${accountId}" with ${endpoint}, expected the account of the endpoint, or none`;
}

function styleFault(side: Side): string | undefined {
  const { forcePathStyle, endpoint } = side;
  const { address, title } = storeAt(side);
  // Under another host name, the vendor's rule need not hold.
  if (forcePathStyle !== true || endpoint === undefined || !storeOfHost(hostOf(endpoint))) return undefined;
  if (address.style.is !== 'host') return undefined;
  return `found true for ${title}, which takes a bucket's name in the host only; expected none`;
}
