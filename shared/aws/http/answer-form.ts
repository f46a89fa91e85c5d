import { excerpt } from '../../model/text.ts';

/**
 * What an answer must look like to be S3's. Consoles, content networks, login pages and proxies answer 200 to
 * everything. Without this check their pages would read as "nothing is listed" or "the object was stored".
 */

/** An answer with a success status, as far as its form is judged. */
export interface AnswerForm {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** the document; empty for the body of an object, which is not read here */
  readonly text: string;
}

/**
 * The root elements of each operation's document. The two copies share theirs: stores mix them up. An error comes with
 * a success status too (S3: CopyObject, CompleteMultipartUpload), and the SDK makes it an error again.
 */
const rootElements: Readonly<Record<string, readonly string[]>> = {
  ListObjects: ['ListBucketResult'],
  ListObjectsV2: ['ListBucketResult'],
  ListParts: ['ListPartsResult'],
  ListMultipartUploads: ['ListMultipartUploadsResult'],
  GetObjectTagging: ['Tagging'],
  CopyObject: ['CopyObjectResult', 'CopyPartResult'],
  UploadPartCopy: ['CopyPartResult', 'CopyObjectResult'],
  CreateMultipartUpload: ['InitiateMultipartUploadResult'],
  CompleteMultipartUpload: ['CompleteMultipartUploadResult'],
  GetBucketNotificationConfiguration: ['NotificationConfiguration'],
};

/** Operations whose answer has no document; what a store writes nevertheless is XML. */
const bodiless: ReadonlySet<string> = new Set([
  ...['PutObject', 'UploadPart', 'DeleteObject', 'AbortMultipartUpload', 'PutBucketNotificationConfiguration'],
]);

/** Operations whose answer names the ETag of what was written: in a header, or in the document. */
const namesEtagInHeader: ReadonlySet<string> = new Set(['PutObject', 'UploadPart']);
const namesEtagInDocument: ReadonlySet<string> = new Set(['CopyObject', 'UploadPartCopy']);

/** Ceph 16 answers GetObjectTagging of an object without tags, and made of parts, with an XML type and no body. */
function isMissingTagSet(operation: string, { headers, text }: AnswerForm): boolean {
  return (
    operation === 'GetObjectTagging' && text === '' && headers['content-type']?.startsWith('application/xml') === true
  );
}

/** Root elements of an error. */
const errorElements: readonly string[] = ['Error', 'ErrorResponse'];

const rootPattern = /^\s*(?:<\?[^>]*>\s*)*<([^\s/>?!]+)/;

/** The name of the document's root element; undefined if the text is no XML document. */
export function rootElement(text: string): string | undefined {
  return rootPattern.exec(text)?.[1];
}

/** Is this document an error as S3 writes it? The body of an error status is something else at a proxy. */
export function isErrorDocument(text: string): boolean {
  return errorElements.includes(rootElement(text) ?? '');
}

/**
 * Why a successful answer is not S3's answer to the operation, for the message of a fault.
 * @param operation the SDK's name of the operation: `ListObjectsV2`
 * @returns undefined if it may be
 */
export function formFault(operation: string, answer: AnswerForm): string | undefined {
  const { headers, text } = answer;
  if (operation === 'HeadObject' || operation === 'GetObject') {
    // Every store states at least one of them; a page that a server makes has neither.
    const stated = headers['etag'] !== undefined || headers['last-modified'] !== undefined;
    return stated ? undefined : `it has neither ETag nor Last-Modified (${shown(answer)})`;
  }
  const root = rootElement(text);
  if (root === 'Error' || isMissingTagSet(operation, answer)) return undefined;
  const roots = Object.hasOwn(rootElements, operation) ? rootElements[operation] : undefined;
  if (roots && !roots.includes(root ?? '')) return `expected <${roots[0]}>, got ${shown(answer)}`;
  if (bodiless.has(operation) && text.trim() !== '' && (root === undefined || /^html$/i.test(root))) {
    return `expected no document, got ${shown(answer)}`;
  }
  const noEtag =
    (namesEtagInHeader.has(operation) && (headers['etag'] ?? '') === '') ||
    (namesEtagInDocument.has(operation) && !/<ETag>[^<]/.test(text));
  return noEtag ? `it names no ETag (${shown(answer)})` : undefined;
}

/** What was answered, in a few words. */
function shown({ statusCode, headers, text }: AnswerForm): string {
  const type = headers['content-type'];
  const root = rootElement(text);
  const body =
    root !== undefined ? `<${excerpt(root, 40)}>` : text.trim() === '' ? '' : `"${excerpt(text.trim(), 40)}"`;
  const parts = [`HTTP ${statusCode}`, type === undefined ? '' : excerpt(type, 40), body === '' ? 'no body' : body];
  return parts.filter((part) => part !== '').join(', ');
}
