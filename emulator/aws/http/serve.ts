import type { FaultyService, ServiceFaultHook } from '../faults.ts';
import { readBody, respond, type Answer, type Exchange, type Headers, type RequestHandler } from './exchange.ts';
import type { Guard } from './guard.ts';
import type { RequestRates } from '../quotas/requests.ts';
import { lost, withFaults } from './inject.ts';

export interface ServeOptions {
  readonly service: FaultyService;
  readonly exchange: Exchange;
  /** the longest request body accepted */
  readonly limitBytes: number;
  readonly fault: ServiceFaultHook | undefined;
  /** answers a request that its caller may not make, which then reaches neither the service nor its faults */
  readonly refuse?: Guard;
  /** answers a permitted request that comes too early */
  readonly rates?: RequestRates | undefined;
  /** called with an answer whose client disconnected before it was ready */
  readonly undelivered?: (headers: Headers, body: Buffer, answer: Answer) => Promise<void>;
}

/** Serves an exchange over HTTP. */
export function serve(options: ServeOptions): RequestHandler {
  const { service, exchange, limitBytes, fault, refuse, rates, undelivered } = options;
  const exchangeWithFaults = withFaults(exchange, fault, { service, by: 'client' });
  return async (req, res) => {
    const body = await readBody(req, limitBytes);
    const operation = String(req.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    const refused = refuse?.(req, body) ?? rates?.refusal(service, operation);
    if (refused) {
      respond(res, refused);
      return;
    }
    const answer = await exchangeWithFaults(req.headers, body);
    if (answer === lost) {
      req.socket.resetAndDestroy();
      return;
    }
    if (res.destroyed) await undelivered?.(req.headers, body, answer);
    respond(res, answer);
  };
}
