import { setTimeout } from 'node:timers/promises';
import type { ServiceFaultHook, ServiceRequest } from '../faults.ts';
import { tamperWithMessages } from '../sqs/tamper.ts';
import { AwsError, jsonError, type Answer, type Exchange, type Headers } from './exchange.ts';

/** The request was done or not; the client hears nothing. */
export const lost = Symbol('lost');

/**
 * One exchange, with what the hook wants to go wrong with it.
 * @returns the answer, or {@link lost} where the connection is to be reset instead
 */
export async function exchangeWithFaults(
  hook: ServiceFaultHook | undefined,
  { service, by }: Pick<ServiceRequest, 'service' | 'by'>,
  exchange: Exchange,
  headers: Headers,
  body: Buffer,
): Promise<Answer | typeof lost> {
  const fault = hook?.({ ...describe(headers, body), service, by });
  switch (fault?.kind) {
    case undefined:
      return exchange(headers, body);
    case 'status':
      return jsonError(new AwsError(fault.code, fault.message ?? `${fault.code}, on purpose`, fault.status));
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
      throw new Error(`a request to ${service} cannot be ended like a function`);
  }
}

function describe(headers: Headers, body: Buffer): Pick<ServiceRequest, 'operation' | 'resource' | 'input'> {
  const operation = String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';
  return { operation, resource: '', input: parsed(body) };
}

/** What is no JSON is the service's to refuse. */
function parsed(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
