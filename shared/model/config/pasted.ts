import { quoted } from '../text.ts';
import { storeOfHost } from '../stores/stores.ts';
import { partitionOf } from './partition.ts';
import { withPreset } from './presets.ts';

/**
 * What people paste into the fields of a side, where its meaning is certain: white space around a name, a URI, an ARN
 * or a URL instead of a bucket's name, an endpoint with the bucket in it. What follows from the store is filled in
 * (presets.ts). What is not certain stays as it is, and is refused with the right form (side-rules.ts, store-rules.ts).
 */

/** A place in a store, as one text names it. */
interface Place {
  readonly bucket: string;
  readonly prefix: string;
  /** of S3 */
  readonly region?: string;
  readonly partition?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The task with what was pasted into its sides put into the right fields. Never throws; the schema checks the rest. */
export function asMeant(task: unknown): unknown {
  if (!isFields(task)) return task;
  const sides = ['source', 'destination'].filter((name) => isFields(task[name]));
  return { ...task, ...Object.fromEntries(sides.map((name) => [name, sideAsMeant(task[name] as Fields)])) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sideAsMeant(side: Fields): Fields {
  return [withoutBlanks, bucketAsMeant, prefixAsMeant, endpointAsMeant, withPreset, regionAsMeant].reduce(
    (known, correct) => ({ ...known, ...correct(known) }),
    side,
  );
}

function withoutBlanks(side: Fields): Fields {
  const texts = ['bucket', 'store', 'region', 'accountId', 'endpoint'].flatMap((name) => {
    const value = side[name];
    return typeof value === 'string' ? [[name, value.trim()] as const] : [];
  });
  return Object.fromEntries(texts);
}

function bucketAsMeant({ bucket, prefix = '', region }: Fields): Fields {
  const place = typeof bucket === 'string' ? placeOf(bucket) : undefined;
  if (!place) return {};
  // "s3://photos/2024" may mean the folder, or every key that begins so: `bucketFault` asks.
  if (!/^$|\/$/.test(place.prefix)) return {};
  if (place.prefix !== '' && prefix !== '' && prefix !== place.prefix) return {};
  if (place.region !== undefined && region !== undefined && region !== place.region) return {};
  if (place.partition !== undefined && typeof region === 'string' && partitionOf(region) !== place.partition) return {};
  return {
    bucket: place.bucket,
    ...(place.prefix !== '' && { prefix: place.prefix }),
    ...(place.region !== undefined && { region: place.region }),
  };
}

/** `s3://photos/2024/` as the prefix in the bucket `photos`. */
function prefixAsMeant({ bucket, prefix }: Fields): Fields {
  const place = typeof prefix === 'string' ? placeByUri(prefix) : undefined;
  return place && place.bucket === bucket && /^$|\/$/.test(place.prefix) ? { prefix: place.prefix } : {};
}

/** Hosts of stores that have no name in a configuration, each as its vendor's page of endpoints has it. */
const otherHosts = [
  /^obs\.[a-z0-9-]+\.myhuaweicloud\.com$/,
  /^s3[.-][a-z0-9.-]+\.(backblazeb2|bcebos)\.com$/,
  /^[a-z0-9]+\.digitaloceanspaces\.com$/,
];

/** Is it the whole host name of a store, without a bucket's? */
function isStoreHost(host: string): boolean {
  if (otherHosts.some((form) => form.test(host))) return true;
  const known = storeOfHost(host);
  // Interface endpoints of S3 begin with names of their own.
  return known !== undefined && (known.store !== 'aws' || /^s3[.-]/.test(host));
}

function endpointAsMeant({ bucket, endpoint }: Fields): Fields {
  if (typeof endpoint !== 'string') return {};
  // A name without a scheme; an address or a short name may as well be of a server without TLS.
  const whole = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(:[0-9]{1,5})?\/?$/i.test(endpoint)
    ? `https://${endpoint}`
    : endpoint;
  const [, scheme = '', host = ''] = /^(https?:\/\/)([^/:?#@]+)\/?$/.exec(whole) ?? [];
  const rest = typeof bucket === 'string' && host.startsWith(`${bucket}.`) ? host.slice(bucket.length + 1) : '';
  if (isStoreHost(rest)) return { endpoint: scheme + rest };
  return whole === endpoint ? {} : { endpoint: whole };
}

/** A region of S3 in capitals, or the name of an availability zone, which belongs to one region. */
function regionAsMeant({ region, endpoint, store }: Fields): Fields {
  if (typeof region !== 'string' || endpoint !== undefined || (store !== undefined && store !== 'aws')) return {};
  const lower = region.toLowerCase();
  return { region: isAwsRegion(lower.slice(0, -1)) && /[0-9][a-z]$/.test(lower) ? lower.slice(0, -1) : lower };
}

const regionForm = /^[a-z]{2,4}(-[a-z]+)?-(central|(north|south)(east|west)?|east|west)-[1-9][0-9]?$/;

/** Does the name have the form of AWS's regions? New ones appear, so there is no list. */
export function isAwsRegion(name: string): boolean {
  return regionForm.test(name);
}

/** The message about a bucket that is not a bucket's name. */
export function bucketFault(text: string): string {
  const expected = 'expected a bucket name (3 to 63 of a-z, 0-9, "." and "-")';
  if (/^arn:[a-z-]+:s3[a-z-]*:[^:]+:/.test(text)) {
    return `${expected}: the bucket behind an access point, because permissions and events name the bucket`;
  }
  const place = placeOf(text);
  if (!place) return expected;
  const { bucket, prefix } = place;
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  return `${expected}, here "bucket": ${quoted(bucket)} and "prefix": ${quoted(folder)}`;
}

/**
 * The place that a text names, if it is more than the name of a bucket: a URI, an ARN, a URL of the console or of S3,
 * or `bucket/prefix/`.
 */
function placeOf(text: string): Place | undefined {
  return placeByUri(text) ?? placeByArn(text) ?? placeByUrl(text) ?? placeByPath(text);
}

function placeByUri(text: string): Place | undefined {
  const match = /^(?:s3[an]?|oss|cosn?|gs):\/\/([^/]+)\/?([^]*)$/i.exec(text);
  return match ? { bucket: match[1] ?? '', prefix: match[2] ?? '' } : undefined;
}

function placeByArn(text: string): Place | undefined {
  const match = /^arn:([a-z-]+):s3:::([^/]+)\/?([^]*)$/.exec(text);
  if (!match) return undefined;
  const [, partition = '', bucket = '', prefix = ''] = match;
  // Policies have a star after the prefix.
  return { bucket, prefix: prefix.replace(/\*$/, ''), partition };
}

function placeByUrl(text: string): Place | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const { hostname, pathname, searchParams } = new URL(text);
  const path = decoded(pathname.slice(1));
  if (path === undefined) return undefined;
  if (/(^|\.)console\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)$/.test(hostname)) {
    const bucket = /^s3\/buckets\/([^/]+)\/?$/.exec(path)?.[1];
    return bucket === undefined ? undefined : { bucket, prefix: searchParams.get('prefix') ?? '' };
  }
  const match = /^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?([a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?$/.exec(hostname);
  const region = match?.[2];
  if (!match || (region !== undefined && !isAwsRegion(region))) return undefined;
  const place = match[1] === undefined ? placeByPath(path) : { bucket: match[1], prefix: path };
  return place && { ...place, ...(region !== undefined && { region }) };
}

function placeByPath(text: string): Place | undefined {
  const match = /^([a-z0-9][a-z0-9.-]+)\/([^]*)$/.exec(text);
  return match ? { bucket: match[1] ?? '', prefix: match[2] ?? '' } : undefined;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    // No URL that a console or a store makes.
    return undefined;
  }
}
