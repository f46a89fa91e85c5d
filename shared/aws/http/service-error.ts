import { rootElement } from './answer-form.ts';

/** An answer with an error's status, whose document was read within limits. */
export interface ErrorAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** empty if it was no document of S3's */
  readonly text: string;
}

/** The elements of an error's document that are used (S3 API reference: "Error responses"). */
const elements = /<(Code|Message|Region|RequestId|ServerTime)>([^<]*)<\/\1>/g;

const references: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * The error of an answer, with the fields that the SDK gives its own: what `faultOf` and the renewal of keys read is
 * the same, with whichever of the two the call was made. The answer to HEAD has no document, so only its status speaks.
 */
export function serviceError({ statusCode, headers, text }: ErrorAnswer): Error {
  const stated = new Map<string, string>();
  if (rootElement(text) === 'Error') {
    for (const [, name = '', value = ''] of text.matchAll(elements))
      if (!stated.has(name)) stated.set(name, plain(value));
  }
  const code = stated.get('Code') ?? (statusCode === 404 ? 'NotFound' : 'Unknown');
  const requestId = headers['x-amz-request-id'] ?? stated.get('RequestId');
  return Object.assign(new Error(stated.get('Message') ?? 'UnknownError'), {
    name: code,
    $fault: statusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: statusCode, ...(requestId !== undefined && { requestId }) },
    $response: { statusCode, headers },
    ...(stated.has('Code') && { Code: code }),
    ...(stated.has('Region') && { Region: stated.get('Region') }),
    // By the clock of the store, which may be another than that of a proxy, whose Date the headers have.
    ...(stated.has('ServerTime') && { ServerTime: stated.get('ServerTime') }),
  });
}

function plain(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => references[name] ?? '');
}
