import { KiB } from '../../model/limits.ts';

/** Limits far above any document of S3's. The SDK's parser uses 32 bytes per character of text. */
const maxDepth = 32;
const maxElements = 100_000;
/** The longest text, and the longest tag. */
const maxRunBytes = 64 * KiB;

const [open, close, slash, bang, question] = [...Buffer.from('<>/!?')] as [number, number, number, number, number];

/**
 * Why these bytes must not reach the SDK's XML parser. That parser is recursive, walks a document once for each of its
 * DOCTYPEs, and joins text around comments and CDATA. S3's documents have none of these, and no deep nesting.
 * @returns undefined if they may be parsed; whether they are well-formed is left to the parser
 */
export function xmlFault(bytes: Uint8Array): string | undefined {
  let depth = 0;
  let elements = 0;
  let at = bytes.indexOf(open);
  if (at < 0) return bytes.length > maxRunBytes ? 'it is no XML' : undefined;
  let end = 0;
  for (; at >= 0; at = bytes.indexOf(open, end)) {
    if (at - end > maxRunBytes) return `it has a text of more than ${maxRunBytes} bytes`;
    end = bytes.indexOf(close, at) + 1;
    if (end === 0) return 'it has a tag without an end';
    if (end - at > maxRunBytes) return `it has a tag of more than ${maxRunBytes} bytes`;
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
  return bytes.length - end > maxRunBytes ? `it has a text of more than ${maxRunBytes} bytes` : undefined;
}
