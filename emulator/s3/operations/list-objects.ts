import { S3Error } from '../errors.ts';
import { storedHeaders } from '../http/attributes.ts';
import { encodeKey } from '../http/uri.ts';
import { document, element, group } from '../http/xml.ts';
import { documentEtag } from '../personalities/etag.ts';
import type { ListingRules, Personality } from '../personalities/personality.ts';
import type { ListedObject, Page, Position } from '../store/listing.ts';
import { header, numberParameter, parameter, requireBucket, type Answer, type Call, type Server } from '../call.ts';
import { ownerId } from './owner.ts';

interface Query {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly encodingType: 'url' | undefined;
  /** Encodes a key as the client requested. */
  readonly show: (key: string) => string;
}

/** Reads `encoding-type`. @param rule how the store answers it @throws S3Error InvalidArgument */
export function readEncodingType(call: Call, rule: ListingRules['encoding']): Pick<Query, 'encodingType' | 'show'> {
  const encodingType = parameter(call, 'encoding-type');
  if (encodingType === undefined || encodingType === '') return { encodingType: undefined, show: (key) => key };
  if (encodingType !== 'url') throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
  if (rule === 'ignored') return { encodingType: undefined, show: (key) => key };
  const space = call.personality.listings.encodedSpace;
  const show = (key: string): string => encodeKey(key).replaceAll('+', space);
  return { encodingType: rule === 'silent' ? undefined : encodingType, show };
}

function readQuery(call: Call): Query {
  const { defaultKeys, maxKeys, encoding } = call.personality.listings;
  return {
    prefix: parameter(call, 'prefix') ?? '',
    delimiter: parameter(call, 'delimiter') ?? '',
    maxKeys: Math.min(numberParameter(call, 'max-keys') ?? defaultKeys, maxKeys),
    ...readEncodingType(call, encoding),
  };
}

/** A position as an opaque token. */
function printToken({ kind, value }: Position): string {
  return Buffer.from(JSON.stringify([kind, value])).toString('base64');
}

function parseToken(token: string): Position {
  try {
    const [kind, value] = JSON.parse(Buffer.from(token, 'base64').toString()) as unknown[];
    if ((kind === 'key' || kind === 'prefix') && typeof value === 'string') return { kind, value };
  } catch {
    // Answered below, like a token of the wrong form.
  }
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
}

/** RestoreStatus of an object that was restored, for callers that ask for it. */
function restoreStatus({ headers }: ListedObject): string {
  const restore = storedHeaders({ headers })['x-amz-restore'];
  if (restore === undefined) return '';
  const expiry = /expiry-date="([^"]+)"/.exec(restore)?.[1];
  return group(
    'RestoreStatus',
    element('IsRestoreInProgress', restore.includes('ongoing-request="true"')),
    expiry === undefined ? '' : element('RestoreExpiryDate', new Date(expiry).toISOString()),
  );
}

interface Shown {
  readonly personality: Personality;
  readonly withOwner: boolean;
  readonly withRestoreStatus?: boolean;
}

function contents(
  object: ListedObject,
  show: Query['show'],
  { personality, withOwner, withRestoreStatus = false }: Shown,
): string {
  return group(
    'Contents',
    element('Key', show(object.key)),
    element('LastModified', new Date(object.modified).toISOString()),
    personality.listings.etags ? element('ETag', documentEtag(personality, object.etag)) : '',
    object.checksumAlgorithm === null ? '' : element('ChecksumAlgorithm', object.checksumAlgorithm),
    object.checksumType === null ? '' : element('ChecksumType', object.checksumType),
    element('Size', object.size),
    element('StorageClass', object.storageClass),
    withRestoreStatus ? restoreStatus(object) : '',
    withOwner ? group('Owner', element('ID', ownerId)) : '',
  );
}

function findPage(call: Call, server: Server, query: Query, after: Position | undefined): Page {
  requireBucket(server, call.info.bucket);
  const { prefix, delimiter, maxKeys: limit } = query;
  const { order, after: start, belowObject } = call.personality.listings;
  const { bucket } = call.info;
  const parent = /^(.+)\/$/.exec(prefix)?.[1];
  if (belowObject === 'hidden' && parent !== undefined && server.storage.objects.find(bucket, parent)) {
    return { objects: [], commonPrefixes: [], next: undefined };
  }
  return server.storage.lister.page({ bucket, prefix, delimiter, after, limit, order, repeats: start === 'inclusive' });
}

function common(call: Call, { prefix, delimiter, maxKeys, encodingType, show }: Query, page: Page): string[] {
  return [
    element('Name', call.info.bucket),
    element('Prefix', show(prefix)),
    delimiter === '' ? '' : element('Delimiter', show(delimiter)),
    element('MaxKeys', maxKeys),
    element('EncodingType', encodingType),
    element('IsTruncated', page.next !== undefined),
    ...page.commonPrefixes.map((value) => group('CommonPrefixes', element('Prefix', show(value)))),
  ];
}

/** ListObjectsV2. */
export function listObjectsV2(call: Call, server: Server): Answer {
  const query = readQuery(call);
  const token = parameter(call, 'continuation-token');
  const startAfter = parameter(call, 'start-after');
  if (token === '') throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
  const after: Position | undefined =
    token !== undefined ? parseToken(token) : startAfter ? { kind: 'key', value: startAfter } : undefined;
  const page = findPage(call, server, query, after);
  const { personality } = call;
  const withOwner = parameter(call, 'fetch-owner') === 'true';
  const withRestoreStatus = header(call, 'x-amz-optional-object-attributes') === 'RestoreStatus';
  const body = document(
    'ListBucketResult',
    ...common(call, query, page),
    element('KeyCount', page.objects.length + page.commonPrefixes.length),
    element('ContinuationToken', token),
    personality.listings.nextToken ? element('NextContinuationToken', page.next && printToken(page.next)) : '',
    startAfter ? element('StartAfter', query.show(startAfter)) : '',
    ...page.objects.map((object) => contents(object, query.show, { personality, withOwner, withRestoreStatus })),
  );
  return { status: 200, body };
}

/** ListObjects, version 1. */
export function listObjects(call: Call, server: Server): Answer {
  const query = readQuery(call);
  const marker = parameter(call, 'marker') ?? '';
  // A marker that is a common prefix of this listing stands for all keys with that prefix.
  const { delimiter, prefix } = query;
  const isPrefix =
    delimiter !== '' &&
    marker.startsWith(prefix) &&
    marker.indexOf(delimiter, prefix.length) === marker.length - delimiter.length;
  const after: Position | undefined =
    marker === '' ? undefined : { kind: isPrefix && marker.length > prefix.length ? 'prefix' : 'key', value: marker };
  const page = findPage(call, server, query, after);
  const body = document(
    'ListBucketResult',
    ...common(call, query, page),
    element('Marker', query.show(marker)),
    page.next !== undefined && delimiter !== '' ? element('NextMarker', query.show(page.next.value)) : '',
    ...page.objects.map((object) => contents(object, query.show, { personality: call.personality, withOwner: true })),
  );
  return { status: 200, body };
}
