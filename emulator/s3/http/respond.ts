import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { Answer, ObjectBody } from '../call.ts';
import type { BlobStore } from '../store/blobs.ts';
import { pump } from '../store/pump.ts';
import { ConnectionLost } from './connection-lost.ts';

/** For fault injection: delays or changes a chunk of an answer's body, or ends the answer after it. */
export type TamperWithAnswer = (piece: Buffer, at: number) => Promise<{ readonly send: Buffer; readonly end?: true }>;

/** Sends bytes; resolves once the operating system has them. @param last ends the answer */
async function send(res: ServerResponse, chunk: Buffer, last: boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const closed = (): void => reject(new ConnectionLost('the connection was closed'));
    if (res.destroyed) {
      closed();
      return;
    }
    const done = (error?: Error | null): void => {
      res.off('close', closed);
      if (error) reject(new ConnectionLost(error.message));
      else resolve();
    };
    res.once('close', closed);
    if (last) res.end(chunk, done);
    else res.write(chunk, done);
  });
}

/** If more of the request's body is unread, reading it takes too long, and the connection is closed instead. */
const maxUnreadBytes = 256 * 1024;
const maxLingerMillis = 2000;

/**
 * Waits until the client has stopped sending. Closing earlier would reset the connection before it reads the answer.
 */
async function linger(req: IncomingMessage): Promise<void> {
  req.resume();
  const over = new Promise((resolve) => req.once('end', resolve).once('close', resolve));
  await Promise.race([over, setTimeout(maxLingerMillis, undefined, { ref: false })]);
}

/** Sends an object that is stored zipped, unzipped and without a length. @throws ConnectionLost if it is not zipped */
async function sendUnzipped(res: ServerResponse, blobs: BlobStore, body: ObjectBody): Promise<void> {
  res.flushHeaders();
  const unzip = createGunzip();
  const sent = pipeline(unzip, res);
  // A failure of either ends both.
  sent.catch(() => undefined);
  await pump(blobs, body, async (chunk) => {
    if (!unzip.destroyed && !unzip.write(Buffer.from(chunk))) await Promise.race([once(unzip, 'drain'), sent]);
  }).catch(() => unzip.destroy());
  unzip.end();
  await sent.catch((error: unknown) => {
    throw new ConnectionLost(String(error));
  });
}

/** A request and what its answer is sent with. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly blobs: BlobStore;
  /** Counts body bytes as they are sent. */
  readonly meter: { bytesOut: number };
}

/**
 * Sends an answer.
 * @param tamper for fault injection
 * @throws ConnectionLost if the client, or `tamper`, ended the connection
 */
export async function respond(
  { req, res, blobs, meter }: Exchange,
  answer: Answer,
  tamper?: TamperWithAnswer,
): Promise<void> {
  const { body } = answer;
  const text = typeof body === 'object' ? undefined : Buffer.from(body ?? '');
  const length = typeof body === 'object' ? body.length : (text?.length ?? 0);
  const headers: Record<string, string> = { ...answer.headers };
  const bodiless = answer.status === 204 || answer.status === 304;
  const unzip = typeof body === 'object' && body.unzip === true;
  if (!bodiless && !unzip && headers['content-length'] === undefined) headers['content-length'] = String(length);
  if (typeof body === 'string') headers['content-type'] ??= 'application/xml';
  const announced = 'transfer-encoding' in req.headers ? Infinity : Number(req.headers['content-length'] ?? 0);
  const unread = !req.complete && announced > maxUnreadBytes;
  if (unread) headers['connection'] = 'close';
  res.writeHead(answer.status, headers);

  if (req.method === 'HEAD' || length === 0) {
    if (unread) {
      res.flushHeaders();
      await linger(req);
    }
    res.end();
    return;
  }
  if (typeof body === 'object' && unzip) {
    await sendUnzipped(res, blobs, body);
    return;
  }
  let sent = 0;
  const deliver = async (chunk: Buffer): Promise<void> => {
    const { send: bytes, end } = (await tamper?.(chunk, sent)) ?? { send: chunk };
    const last = sent + bytes.length === length && !unread;
    if (bytes.length > 0) await send(res, bytes, last && end === undefined);
    sent += bytes.length;
    meter.bytesOut += bytes.length;
    if (end) throw new ConnectionLost('an injected fault ended the answer');
  };
  if (text !== undefined) await deliver(text);
  else if (typeof body === 'object') await pump(blobs, body, deliver);
  if (unread) await linger(req);
  if (!res.writableEnded) res.end();
}
