import { storeOf } from '../stores/stores.ts';
import { isAwsRegion } from './pasted.ts';
import { prefixSlip, startsName } from './prefixes.ts';
import type { Side } from './side.ts';
import { storeFaults } from './store-rules.ts';
import type { Task } from './task-schema.ts';

/** What is legal in a field of a side, and yet cannot work, or nearly always is a slip. */

/** The faults of where a side is: its bucket, region, endpoint and prefix. @param name of the side */
export function placeFaults(name: string, side: Side): string[] {
  const faults: readonly (readonly [field: string, fault: string | undefined])[] = [
    ['bucket', kindFault(side)],
    ['region', regionFault(side)],
    ...storeFaults(side),
    ['endpoint', endpointFault(side)],
    ['insecure', insecureFault(side)],
    ['certificateAuthority', authorityFault(side)],
    ['prefix', side.verbatimPrefix === true ? undefined : prefixSlip(side.prefix)],
  ];
  return faults.flatMap(([field, fault]) => (fault === undefined ? [] : [`${name}.${field}: ${fault}`]));
}

/** Names that S3 reserves for what is not a plain bucket (S3 user guide, bucket naming rules). */
const kinds: readonly (readonly [ending: RegExp, reason: string, evenWithKeys: boolean])[] = [
  [/--x-s3$/, 'a directory bucket (S3 Express), which lists without order and cannot start after a key', true],
  [/--ol-s3$/, 'an Object Lambda access point, which changes bytes as they are read', true],
  [/\.mrap$/, 'a multi-region access point, which needs another kind of signature', true],
  [/--table-s3$/, 'a table bucket, which holds no plain objects', true],
  [/-s3alias$/, 'the alias of an access point, which permissions of the functions cannot name', false],
];

function kindFault(side: Side): string | undefined {
  const { bucket, credentials } = side;
  if (storeOf(side) !== 'aws') return undefined;
  const kind = kinds.find(([ending, , evenWithKeys]) => ending.test(bucket) && (evenWithKeys || !credentials));
  return kind && `found ${kind[1]}; expected a general purpose bucket`;
}

function regionFault(side: Side): string | undefined {
  const { region, endpoint } = side;
  if (region === undefined || endpoint !== undefined || storeOf(side) !== 'aws' || isAwsRegion(region))
    return undefined;
  const spelled = region
    .replace(/^oss-/, '')
    .replace(/_/g, '-')
    .replace(/-?([0-9]{1,2})$/, '-$1');
  const example = isAwsRegion(spelled) ? spelled : 'us-east-1';
  return `found "${region}", expected a region of AWS such as ${example} (another store also needs its name or its endpoint)`;
}

function endpointFault({ endpoint, bucket, forcePathStyle, insecure }: Side): string | undefined {
  if (endpoint === undefined) return undefined;
  const { protocol, hostname, host } = new URL(endpoint);
  if (protocol === 'http:' && insecure !== true && !isLoopback(hostname)) {
    return (
      `found "${endpoint}", expected https://${host}, or "insecure": true beside it: ` +
      'without TLS, objects and session tokens travel in the clear'
    );
  }
  if (forcePathStyle !== true && hostname.startsWith(`${bucket}.`)) {
    return (
      `found the bucket's name in "${endpoint}", expected ${protocol}//${host.slice(bucket.length + 1)}, ` +
      'or "forcePathStyle": true if the host only has the same name'
    );
  }
  return undefined;
}

function insecureFault({ endpoint, insecure }: Side): string | undefined {
  if (insecure !== true || endpoint?.startsWith('http://') === true) return undefined;
  return 'found true without an http:// endpoint, expected none (certificates are always checked)';
}

function authorityFault({ endpoint, certificateAuthority }: Side): string | undefined {
  if (certificateAuthority === undefined || endpoint?.startsWith('http://') !== true) return undefined;
  return 'found certificates beside an http:// endpoint, which shows none; expected an https:// endpoint';
}

/** Addresses and names that never leave the machine (RFC 6761 for `localhost`). */
function isLoopback(hostname: string): boolean {
  return /^(127(\.[0-9]{1,3}){3}|\[::1\]|(.+\.)?localhost)$/.test(hostname);
}

/** The slips in the prefixes and patterns of a task, which are matched after the source's prefix. */
export function patternFaults({ source, prefixes = [], include = [], exclude = [] }: Task): string[] {
  if (source.verbatimPrefix === true) return [];
  // After a prefix such as "logs", the rest of a key begins with a slash.
  const startsKey = startsName(source.prefix);
  const found = [
    ...prefixes.map((prefix, index) => [`prefixes.${index}`, prefixSlip(prefix, startsKey)] as const),
    ...Object.entries({ include, exclude }).flatMap(([field, patterns]) =>
      patterns.map((pattern, index) => [`${field}.${index}`, patternSlip(pattern, startsKey)] as const),
    ),
  ];
  return found.flatMap(([field, slip]) => (slip === undefined ? [] : [`${field}: ${slip}`]));
}

/** In a pattern a star is no slip. */
function patternSlip(pattern: string, startsKey: boolean): string | undefined {
  return prefixSlip(pattern.replaceAll('*', 'x'), startsKey) && prefixSlip(pattern, startsKey);
}
