import { setTimeout } from 'node:timers/promises';
import type { ServiceFault, ServiceFaultHook, ServiceRequest } from '../faults.ts';
import { tamperWithMessages } from '../sqs/tamper.ts';
import { AwsError, jsonError, type Answer, type Exchange, type Headers } from './exchange.ts';

/** Instead of an answer: the connection is to be reset. The operation may have been performed. */
export const lost = Symbol('lost');

/**
 * The exchange with the faults that the hook injects.
 * @param caller who sends the requests, and to which service
 * @returns an exchange that gives {@link lost} if the connection is to be reset
 */
export function withFaults(
  exchange: Exchange,
  hook: ServiceFaultHook | undefined,
  caller: Pick<ServiceRequest, 'service' | 'by'>,
): (headers: Headers, body: Buffer) => Promise<Answer | typeof lost> {
  if (!hook) return exchange;
  return (headers, body) => exchangeWith(hook({ ...describe(headers, body), ...caller }), exchange, headers, body);
}

async function exchangeWith(
  fault: ServiceFault | undefined,
  exchange: Exchange,
  headers: Headers,
  body: Buffer,
): Promise<Answer | typeof lost> {
  switch (fault?.kind) {
    case undefined:
      return exchange(headers, body);
    case 'status':
      return jsonError(new AwsError(fault.code, fault.message ?? `${fault.code}, injected`, fault.status));
    case 'reset':
      return lost;
    case 'lose-answer':
      await exchange(headers, body);
      return lost;
    case 'delay':
      await setTimeout(fault.milliseconds);
      return exchange(headers, body);
    case 'deliver':
    case 'fail-entries':
    case 'come-back': {
      const { bodies, answer } = tamperWithMessages(fault, body);
      const answers: Answer[] = [];
      for (const changed of bodies) answers.push(await exchange(headers, changed));
      return answer(answers[0]);
    }
    case 'end':
      throw new Error('the fault "end" applies to functions only');
  }
}

function describe(headers: Headers, body: Buffer): Pick<ServiceRequest, 'operation' | 'resource' | 'input'> {
  const operation = String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';
  return { operation, resource: '', input: parsed(body) };
}

/** The body as JSON; `{}` if it is malformed, which the service itself reports. */
function parsed(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
