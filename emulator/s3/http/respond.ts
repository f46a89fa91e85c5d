import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Answer } from '../call.ts';
import type { BlobStore } from '../store/blobs.ts';
import { pump } from '../store/pump.ts';
import { ConnectionLost } from './connection-lost.ts';

/** What becomes of a piece of an answer's body: it may come late, changed, or not at all. */
export type TamperWithAnswer = (piece: Buffer, at: number) => Promise<{ readonly send: Buffer; readonly end?: true }>;

/** Hands bytes to the connection; resolves when the operating system has them. `last` ends the answer. */
async function send(res: ServerResponse, chunk: Buffer, last: boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const closed = (): void => reject(new ConnectionLost('The connection was closed'));
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

/** A body above this that is left unread is not worth the wait: the connection is closed instead. */
const UNREAD_LIMIT = 256 * 1024;
const LINGER_MS = 2000;

/** Waits until the client has stopped sending: closing earlier would reset the connection before it reads the answer. */
async function linger(req: IncomingMessage): Promise<void> {
  req.resume();
  const over = new Promise((resolve) => req.once('end', resolve).once('close', resolve));
  await Promise.race([over, setTimeout(LINGER_MS, undefined, { ref: false })]);
}

/**
 * Sends an answer.
 * @param meter counts body bytes as they are handed over
 * @param tamper for fault injection; breaks the connection off where it ends the body
 * @throws ConnectionLost when the client, or the cut, ended it
 */
export async function respond(
  {
    req,
    res,
    blobs,
    meter,
  }: { req: IncomingMessage; res: ServerResponse; blobs: BlobStore; meter: { bytesOut: number } },
  answer: Answer,
  tamper?: TamperWithAnswer,
): Promise<void> {
  const { body } = answer;
  const text = typeof body === 'object' ? undefined : Buffer.from(body ?? '');
  const length = typeof body === 'object' ? body.length : (text?.length ?? 0);
  const headers: Record<string, string> = { ...answer.headers };
  const bodiless = answer.status === 204 || answer.status === 304;
  if (!bodiless && headers['content-length'] === undefined) headers['content-length'] = String(length);
  if (typeof body === 'string') headers['content-type'] ??= 'application/xml';
  const announced = 'transfer-encoding' in req.headers ? Infinity : Number(req.headers['content-length'] ?? 0);
  const unread = !req.complete && announced > UNREAD_LIMIT;
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
  let sent = 0;
  const deliver = async (chunk: Buffer): Promise<void> => {
    const { send: bytes, end } = (await tamper?.(chunk, sent)) ?? { send: chunk };
    const last = sent + bytes.length === length && !unread;
    if (bytes.length > 0) await send(res, bytes, last && end === undefined);
    sent += bytes.length;
    meter.bytesOut += bytes.length;
    if (end) throw new ConnectionLost('Cut off');
  };
  if (text !== undefined) await deliver(text);
  else if (typeof body === 'object') await pump(blobs, body.pieces, body.start, body.length, deliver);
  if (unread) await linger(req);
  if (!res.writableEnded) res.end();
}
