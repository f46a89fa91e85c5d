import type { FaultyService, ServiceFaultHook } from '../faults.ts';
import { readBody, respond, type Answer, type Exchange, type Headers, type RequestHandler } from './exchange.ts';
import { exchangeWithFaults, lost } from './inject.ts';

export interface ServeOptions {
  readonly service: FaultyService;
  readonly exchange: Exchange;
  /** of a request's body, in bytes */
  readonly limit: number;
  readonly fault: ServiceFaultHook | undefined;
  /** told of an answer whose client had gone before it was there */
  readonly unheard?: (headers: Headers, body: Buffer, answer: Answer) => Promise<void>;
}

/** A service over HTTP. */
export function serve({ service, exchange, limit, fault, unheard }: ServeOptions): RequestHandler {
  return async (req, res) => {
    const body = await readBody(req, limit);
    const answer = await exchangeWithFaults(fault, { service, by: 'client' }, exchange, req.headers, body);
    if (answer === lost) {
      req.socket.resetAndDestroy();
      return;
    }
    if (res.destroyed) await unheard?.(req.headers, body, answer);
    respond(res, answer);
  };
}
