import { S3Error } from '../errors.ts';
import { childrenOf, document, element, group, parseXml, textOf } from './xml.ts';
import { parseQuery } from './uri.ts';

/** The tags of an object, in the given order. */
export type Tags = readonly (readonly [name: string, value: string])[];

const maxTags = 10;

/** @throws S3Error InvalidTag */
function check(tags: Tags): Tags {
  if (tags.length > maxTags) throw new S3Error('InvalidTag', 'Object tags cannot be greater than 10');
  const names = new Set(tags.map(([name]) => name));
  if (names.size !== tags.length) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key');
  if (tags.some(([name, value]) => name === '' || name.length > 128 || value.length > 256)) {
    throw new S3Error('InvalidTag');
  }
  return tags;
}

/** Parses `x-amz-tagging`, encoded like a query. @throws S3Error InvalidTag */
export function parseTagHeader(value: string | undefined): Tags {
  return check(parseQuery(value ?? ''));
}

/** Parses the body of PutObjectTagging. @throws S3Error MalformedXML, InvalidTag */
export function parseTagging(xml: string): Tags {
  const [set] = childrenOf(parseXml(xml, 'Tagging'), 'TagSet');
  if (set === undefined) throw new S3Error('MalformedXML');
  return check(childrenOf(set, 'Tag').map((tag) => [textOf(tag, 'Key') ?? '', textOf(tag, 'Value') ?? '']));
}

/** Tags in their stored form. */
export function printTags(tags: Tags): string {
  return JSON.stringify(tags);
}

/** The stored form of tags that some stores lose: they show a number of 0, and no document. */
export const blankTags = 'null';

/** Tags from their stored form. */
export function storedTags(json: string): Tags {
  return (JSON.parse(json) as Tags | null) ?? [];
}

/** The answer of GetObjectTagging. */
export function taggingDocument(tags: Tags): string {
  const elements = tags.map(([name, value]) => group('Tag', element('Key', name), element('Value', value)));
  return document('Tagging', group('TagSet', ...elements));
}
