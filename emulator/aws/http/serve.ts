import type { FaultyService, ServiceFaultHook } from '../faults.ts';
import { readBody, respond, type Answer, type Exchange, type Headers, type RequestHandler } from './exchange.ts';
import { lost, withFaults } from './inject.ts';

export interface ServeOptions {
  readonly service: FaultyService;
  readonly exchange: Exchange;
  /** the longest request body accepted */
  readonly limitBytes: number;
  readonly fault: ServiceFaultHook | undefined;
  /** called with an answer whose client disconnected before it was ready */
  readonly undelivered?: (headers: Headers, body: Buffer, answer: Answer) => Promise<void>;
}

/** Serves an exchange over HTTP. */
export function serve({ service, exchange, limitBytes, fault, undelivered }: ServeOptions): RequestHandler {
  const exchangeWithFaults = withFaults(exchange, fault, { service, by: 'client' });
  return async (req, res) => {
    const body = await readBody(req, limitBytes);
    const answer = await exchangeWithFaults(req.headers, body);
    if (answer === lost) {
      req.socket.resetAndDestroy();
      return;
    }
    if (res.destroyed) await undelivered?.(req.headers, body, answer);
    respond(res, answer);
  };
}
