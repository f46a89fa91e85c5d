import { DocumentReader, UnknownForm } from './answer-reader.ts';

/**
 * Reads the document of a listing of objects, byte by byte and in one pass. The SDK's parser builds a tree of all
 * elements first, which costs over ten times as much as everything else about a listing.
 *
 * Only documents as S3's API reference shows them are read ("ListObjectsV2", "ListObjects"). About any other, valid or
 * not (a comment, CDATA, a reference to a character that XML itself does not name, a date of another form), nothing is
 * said: the SDK's parser judges it, behind the limits of answers.ts.
 */

/** An object in a listing. Texts are as the document has them, with its character references resolved. */
export interface ScannedObject {
  readonly key: string | undefined;
  readonly etag: string | undefined;
  /** bytes */
  readonly size: number | undefined;
  /** milliseconds since the epoch */
  readonly modified: number | undefined;
  readonly storageClass: string | undefined;
  readonly restore: { readonly inProgress: boolean; readonly hasExpiry: boolean } | undefined;
}

/** A page of a listing, by either version of ListObjects. */
export interface ScannedListing {
  readonly objects: readonly ScannedObject[];
  readonly encoding: string | undefined;
  readonly truncated: boolean | undefined;
  /** NextContinuationToken */
  readonly token: string | undefined;
  readonly nextMarker: string | undefined;
  readonly keyCount: number | undefined;
}

/** Pages have 1,000 objects; stores that have their own idea of a page stay far below this. */
const maxObjects = 10_000;

/** @returns undefined if the document is not exactly of the form that this reads */
export function scanListing(bytes: Buffer): ScannedListing | undefined {
  try {
    return readPage(new DocumentReader(bytes));
  } catch (error) {
    if (error instanceof UnknownForm) return undefined;
    throw error;
  }
}

type Fields<Value> = { -readonly [Name in keyof Value]: Value[Name] };

function readPage(reader: DocumentReader): ScannedListing {
  reader.begin();
  if (!reader.openTag() || reader.name() !== 'ListBucketResult') throw new UnknownForm();
  const objects: ScannedObject[] = [];
  const page: Fields<ScannedListing> = {
    objects,
    encoding: undefined,
    truncated: undefined,
    token: undefined,
    nextMarker: undefined,
    keyCount: undefined,
  };
  if (!reader.isEmpty) {
    while (reader.openTag()) {
      const name = reader.name();
      switch (name) {
        case 'Contents':
          if (objects.length === maxObjects) throw new UnknownForm();
          objects.push(readObject(reader));
          break;
        case 'EncodingType':
          page.encoding = once(page.encoding, reader.text(name));
          break;
        case 'IsTruncated':
          page.truncated = once(page.truncated, reader.flag(name));
          break;
        case 'NextContinuationToken':
          page.token = once(page.token, reader.text(name));
          break;
        case 'NextMarker':
          page.nextMarker = once(page.nextMarker, reader.text(name));
          break;
        case 'KeyCount':
          page.keyCount = once(page.keyCount, reader.number(name));
          break;
        default:
          reader.skip(name);
      }
    }
    reader.closeTag('ListBucketResult');
  }
  reader.end();
  return page;
}

function readObject(reader: DocumentReader): ScannedObject {
  const object: Fields<ScannedObject> = {
    key: undefined,
    etag: undefined,
    size: undefined,
    modified: undefined,
    storageClass: undefined,
    restore: undefined,
  };
  if (reader.isEmpty) return object;
  while (reader.openTag()) {
    const name = reader.name();
    switch (name) {
      case 'Key':
        object.key = once(object.key, reader.text(name));
        break;
      case 'ETag':
        object.etag = once(object.etag, reader.etag(name));
        break;
      case 'Size':
        object.size = once(object.size, reader.number(name));
        break;
      case 'LastModified':
        object.modified = once(object.modified, reader.date(name));
        break;
      case 'StorageClass':
        object.storageClass = once(object.storageClass, reader.repeatedText(name));
        break;
      case 'RestoreStatus':
        object.restore = once(object.restore, readRestore(reader));
        break;
      default:
        reader.skip(name);
    }
  }
  reader.closeTag('Contents');
  return object;
}

function readRestore(reader: DocumentReader): NonNullable<ScannedObject['restore']> {
  let inProgress: boolean | undefined;
  let expiry: number | undefined;
  if (!reader.isEmpty) {
    while (reader.openTag()) {
      const name = reader.name();
      if (name === 'IsRestoreInProgress') inProgress = once(inProgress, reader.flag(name));
      else if (name === 'RestoreExpiryDate') expiry = once(expiry, reader.date(name));
      else reader.skip(name);
    }
    reader.closeTag('RestoreStatus');
  }
  return { inProgress: inProgress ?? false, hasExpiry: expiry !== undefined };
}

/** An element that comes twice is not what S3 writes. */
function once<Value>(before: Value | undefined, value: Value): Value {
  if (before !== undefined) throw new UnknownForm();
  return value;
}
