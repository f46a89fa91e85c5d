import { KiB } from '../../model/limits.ts';

/** Limits that no document of S3's comes near to. The parser of the SDK spends 32 bytes on a character of a text. */
const maxDepth = 32;
const maxElements = 100_000;
const maxRun = 64 * KiB;

const [open, close, slash, bang, question] = [...Buffer.from('<>/!?')] as [number, number, number, number, number];

/**
 * What speaks against giving these bytes to the parser of the SDK, which is recursive, walks a document once for each of
 * its DOCTYPEs, and joins text around comments and CDATA. Documents of S3 have none of these, and no deep nesting.
 * @returns why not, or undefined for what may be parsed; whether it is well-formed is the parser's to say
 */
export function xmlFault(bytes: Uint8Array): string | undefined {
  let depth = 0;
  let elements = 0;
  let at = bytes.indexOf(open);
  if (at < 0) return bytes.length > maxRun ? 'it is no XML' : undefined;
  let end = 0;
  for (; at >= 0; at = bytes.indexOf(open, end)) {
    if (at - end > maxRun) return `it has a text of more than ${maxRun} bytes`;
    end = bytes.indexOf(close, at) + 1;
    if (end === 0) return 'it has a tag without an end';
    if (end - at > maxRun) return `it has a tag of more than ${maxRun} bytes`;
    const first = bytes[at + 1];
    if (first === bang) return 'it has a declaration, a comment or CDATA';
    if (first === question) continue;
    if (first === slash) depth--;
    else {
      elements++;
      if (bytes[end - 2] !== slash) depth++;
    }
    if (depth > maxDepth) return `it is nested deeper than ${maxDepth} elements`;
    if (elements > maxElements) return `it has more than ${maxElements} elements`;
  }
  return bytes.length - end > maxRun ? `it has a text of more than ${maxRun} bytes` : undefined;
}
