import { S3Error } from '../errors.ts';

const outsideUnreserved = /[!'()*]/g;
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/** Percent-encodes as Signature V4 does: all bytes except `A-Za-z0-9-._~`. */
export function encodeUriComponent(text: string): string {
  return encodeURIComponent(text).replace(outsideUnreserved, percent);
}

/** Like `encodeUriComponent`, but keeps `/`. */
export function encodeUriPath(text: string): string {
  return encodeUriComponent(text).replaceAll('%2F', '/');
}

/** Most keys need no encoding, and this check is much cheaper than encoding. */
const plainKey = /^[A-Za-z0-9*_./-]*$/;

/**
 * Encodes a key as S3 does in listings with `encoding-type=url` and in event records: form encoding (a space is `+`,
 * `~` is escaped, `*` is not), but `/` is kept.
 */
export function encodeKey(key: string): string {
  if (plainKey.test(key)) return key;
  return encodeURIComponent(key)
    .replace(/[!'()~]/g, percent)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/');
}

/**
 * Decodes percent-encoding and changes nothing else: dot segments, double slashes and `+` are kept.
 * @throws S3Error InvalidURI if the bytes are not UTF-8 or an escape is malformed
 */
export function decodeUri(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI');
  }
}

/**
 * Splits a raw query string (without `?`) into decoded pairs, in order. `+` is a space, as in a form.
 * @throws S3Error InvalidURI
 */
export function parseQuery(raw: string): [name: string, value: string][] {
  if (raw === '') return [];
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals < 0 ? pair : pair.slice(0, equals);
      const value = equals < 0 ? '' : pair.slice(equals + 1);
      return [decodeUri(name.replaceAll('+', ' ')), decodeUri(value.replaceAll('+', ' '))];
    });
}
