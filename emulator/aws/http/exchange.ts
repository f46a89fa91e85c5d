import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** Answers one request of one service. */
export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** A complete answer, held in memory. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Headers = IncomingHttpHeaders;

/** A service whose requests and answers fit in memory, independent of the transport. */
export type Exchange = (headers: Headers, body: Buffer) => Promise<Answer>;

/** An error of an AWS service: `code` is its name in the service's model. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

/** An error in the format of the JSON services. */
export function jsonError(error: AwsError, version = '1.0'): Answer {
  return {
    status: error.status,
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amzn-errortype': error.code },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

/** Sends an answer; does nothing if the client has disconnected. */
export function respond(res: ServerResponse, answer: Answer): void {
  if (res.destroyed || res.headersSent) return;
  res.writeHead(answer.status, {
    'x-amzn-requestid': randomUUID(),
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
  });
  res.end(answer.body);
}

/**
 * Reads the body of a request.
 * @param limitBytes the longest body accepted
 * @throws AwsError `RequestEntityTooLarge` if the body is longer
 */
export async function readBody(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limitBytes) throw new AwsError('RequestEntityTooLarge', `the body is over ${limitBytes} bytes`, 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
