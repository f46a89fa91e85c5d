import { createHash, randomBytes } from 'node:crypto';
import type { Personality } from './personality.ts';

function inLetters({ etags }: Personality, etag: string): string {
  return etags.letters === 'upper' ? etag.toUpperCase() : etag;
}

/** The ETag, without quotes, of an object or part with this MD5 (hex). @param opaque e.g. encrypted with a KMS key */
export function wholeEtag(personality: Personality, md5: string, opaque: boolean): string {
  const isMd5 = personality.etags.whole === 'md5' && !opaque;
  return inLetters(personality, isMd5 ? md5 : randomBytes(16).toString('hex'));
}

/** The ETag, without quotes, of an object made of parts with these ETags. */
export function partsEtag(personality: Personality, parts: readonly string[]): string {
  const rule = personality.etags.parts;
  const digest = createHash('md5').update(rule === 'md5-of-md5s' ? '' : 'a rule of its own');
  for (const etag of parts) digest.update(Buffer.from(etag, 'hex'));
  // As Google's: base64, with a hyphen in front (see gcs.ts).
  if (rule === 'own') return `-${digest.digest('base64').slice(0, 15)}=`;
  return inLetters(personality, `${digest.digest('hex')}-${parts.length}`);
}

/** An ETag as a header carries it. */
export function headerEtag({ etags }: Personality, etag: string): string {
  if (etags.header === 'bare') return etag;
  return etags.header === 'weak' ? `W/"${etag}"` : `"${etag}"`;
}

/** An ETag as the document that answers a write carries it. */
export function writtenEtag({ etags }: Personality, etag: string): string {
  return etags.written === 'bare' ? etag : `"${etag}"`;
}

/** An ETag as a document carries it. */
export function documentEtag({ etags }: Personality, etag: string): string {
  return etags.document === 'bare' ? etag : `"${etag}"`;
}
