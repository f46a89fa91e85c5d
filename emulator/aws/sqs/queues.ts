import { buildApp } from 'fauxqs';
import type { Account } from '../account.ts';
import type { ServiceFaultHook } from '../faults.ts';
import { AwsError, type Answer, type Exchange, type Headers } from '../http/exchange.ts';
import { lost, withFaults } from '../http/inject.ts';
import type { Flight } from '../quotas/flight.ts';

/**
 * SQS: fauxqs in this process, without a port of its own; as a server it would listen on every address of the machine.
 * Queues are in memory. fauxqs can keep them in SQLite, but only as such a server, at a third of the speed, and then
 * setting a message's visibility to 0 violates a constraint. Queues that end with the process are acceptable: the next
 * sync finds every object whose message was lost.
 */
export interface Queues {
  readonly exchange: Exchange;
  /** Makes the messages of an answer visible again: for a receiver that disconnected before it got them. */
  readonly releaseMessages: (headers: Headers, request: Buffer, answer: Answer) => Promise<void>;
  /** Calls an operation from inside this process. @throws AwsError the error that the service answers */
  readonly call: (operation: string, input: object) => Promise<Record<string, unknown>>;
  /** Ends all long polls and closes. */
  readonly close: () => Promise<void>;
}

/** SQS accepts a message or batch of 1 MiB; JSON escapes and attributes take the rest. */
export const maxQueueBodyBytes = 8 * 1024 * 1024;

/** Operations whose answers contain queue URLs. */
const answersWithUrls = new Set(['CreateQueue', 'GetQueueUrl', 'ListQueues']);

export interface QueuesOptions {
  readonly account: Account;
  /** read for each answer, because the port may be known only later */
  readonly endpoint: () => string;
  readonly fault?: ServiceFaultHook | undefined;
  /** the quota of messages in flight */
  readonly flight?: Flight | undefined;
}

/** Starts SQS. */
export async function openQueues({ account, endpoint, fault, flight }: QueuesOptions): Promise<Queues> {
  const app = buildApp({ logger: false, defaultRegion: account.region });
  await app.ready();

  async function ask(all: Headers, body: Buffer): Promise<Answer> {
    const headers = definedHeaders(all, ['content-type', 'x-amz-target', 'authorization']);
    const answer = await app.inject({ method: 'POST', url: '/', headers, payload: body });
    const operation = headers['x-amz-target']?.split('.')[1] ?? '';
    return {
      status: answer.statusCode,
      headers: definedHeaders(answer.headers, ['content-type', 'x-amzn-query-error']),
      body: answersWithUrls.has(operation) ? withReachableUrls(answer.body, endpoint()) : answer.body,
    };
  }

  const exchange = flight?.within(ask) ?? ask;
  const exchangeWithFaults = withFaults(exchange, fault, { service: 'sqs', by: 'endpoint' });

  async function call(operation: string, input: object): Promise<Record<string, unknown>> {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=local/19700101/${account.region}/sqs/aws4_request`,
    };
    const answer = await exchangeWithFaults(headers, Buffer.from(JSON.stringify(input)));
    if (answer === lost) throw new AwsError('InternalFailure', `${operation}: the connection was reset`, 500);
    const output = JSON.parse(answer.body) as Record<string, unknown>;
    if (answer.status === 200) return output;
    throw new AwsError(String(output['__type']).replace(/^.*#/, ''), String(output['message']), answer.status);
  }

  return {
    call,
    exchange,
    releaseMessages: async (headers, request, answer) => {
      if (headers['x-amz-target'] === 'AmazonSQS.ReceiveMessage') await releaseMessages(call, request, answer);
    },
    close: async () => {
      flight?.close();
      await app.close();
    },
  };
}

async function releaseMessages(call: Queues['call'], request: Buffer, answer: Answer): Promise<void> {
  const { QueueUrl } = JSON.parse(request.toString()) as { QueueUrl: string };
  const { Messages = [] } = JSON.parse(answer.body) as { Messages?: { ReceiptHandle: string }[] };
  for (const { ReceiptHandle } of Messages) {
    await call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
  }
}

/**
 * fauxqs answers URLs on `sqs.<region>.localhost`. Not every resolver knows that name, and some clients, such as older
 * SDKs, send to the host of the URL. fauxqs reads only the path of a URL in a request, so any host is accepted.
 */
function withReachableUrls(body: string, endpoint: string): string {
  return body.replaceAll(/http:\/\/sqs\.[a-z0-9-]+\.localhost(:\d+)?(?=\/\d{12}\/)/g, endpoint);
}

function definedHeaders(headers: Record<string, unknown>, names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
}
