/**
 * Fields of answers that the SDK refuses to parse unless they have S3's form. One such field would fail the whole
 * answer, although a copy does not need it. Only dates are refused: numbers, flags and unknown values of enumerations
 * pass the parser, and the adapters check those that they use.
 */

/** Dates in documents. */
const dateElements = /<(LastModified|Initiated|CreationDate|RestoreExpiryDate)>([^<]*)<\/\1>/g;
const firstOfYear10000 = Date.UTC(10_000, 0);

/** The document with its dates in S3's form. A date that cannot be read is left out. */
export function withReadableDates(document: string): string {
  return document.replace(dateElements, (element, name: string, date: string) => {
    const read = readDate(date)?.toISOString();
    return read === undefined ? '' : read === date ? element : `<${name}>${read}</${name}>`;
  });
}

/** A date that the SDK's forms can hold: from 1970 on, with a year of four digits. */
function readDate(text: string): Date | undefined {
  const at = Date.parse(text);
  return at >= 0 && at < firstOfYear10000 ? new Date(at) : undefined;
}

/**
 * Rewrites headers to what the SDK can parse. `Expires` need not be a date: its text moves to the header from which
 * the SDK takes the field `ExpiresString`. An empty one means the same as none. Dates that nobody here uses are
 * removed.
 */
export function makeReadable(headers: Record<string, string>): void {
  const { expires, 'last-modified': modified } = headers;
  if (expires !== undefined) {
    delete headers['expires'];
    if (expires.trim() !== '') headers['expiresstring'] = expires;
  }
  if (modified !== undefined) {
    const read = readDate(modified)?.toUTCString();
    if (read === undefined) delete headers['last-modified'];
    else headers['last-modified'] = read;
  }
  delete headers['x-amz-abort-date'];
  delete headers['x-amz-object-lock-retain-until-date'];
}
