import { buildApp } from 'fauxqs';
import type { Account } from '../account.ts';
import type { ServiceFaultHook } from '../faults.ts';
import { AwsError, type Answer, type Exchange, type Headers } from '../http/exchange.ts';
import { exchangeWithFaults, lost } from '../http/inject.ts';

/**
 * SQS: fauxqs, in this process and without a port of its own (started as a server it would listen on every address of
 * the machine). Queues are in memory: fauxqs can keep them in SQLite, but only as such a server, at a third of the
 * speed, and a message whose visibility is set to 0 then fails a constraint. Nothing is lost that matters: a sync
 * finds again whatever was in the queue when the process died.
 */
export interface Queues {
  readonly exchange: Exchange;
  /** A receiver that went away while it waited gets no messages: they become visible again at once. */
  readonly giveBack: (headers: Headers, request: Buffer, answer: Answer) => Promise<void>;
  /** Calls an operation from inside the process. @throws AwsError as the service answers */
  readonly call: (operation: string, input: object) => Promise<Record<string, unknown>>;
  /** Ends all long polls, then closes. */
  readonly close: () => Promise<void>;
}

/** SQS itself takes a message or batch of 1 MiB; the rest is JSON's escaping and the attributes. */
export const maxQueueBodyBytes = 8 * 1024 * 1024;

/** Operations whose answer holds queue URLs. */
const answersWithUrls = new Set(['CreateQueue', 'GetQueueUrl', 'ListQueues']);

/** Starts SQS. `endpoint` is asked late: the port may be known only after this. */
export async function openQueues(account: Account, endpoint: () => string, fault?: ServiceFaultHook): Promise<Queues> {
  const app = buildApp({ logger: false, defaultRegion: account.region });
  await app.ready();

  async function exchange(all: Headers, body: Buffer): Promise<Answer> {
    const headers = definedHeaders(all, ['content-type', 'x-amz-target', 'authorization']);
    const answer = await app.inject({ method: 'POST', url: '/', headers, payload: body });
    const operation = headers['x-amz-target']?.split('.')[1] ?? '';
    return {
      status: answer.statusCode,
      headers: definedHeaders(answer.headers, ['content-type', 'x-amzn-query-error']),
      body: answersWithUrls.has(operation) ? withReachableUrls(answer.body, endpoint()) : answer.body,
    };
  }

  async function call(operation: string, input: object): Promise<Record<string, unknown>> {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=local/19700101/${account.region}/sqs/aws4_request`,
    };
    const by = { service: 'sqs', by: 'endpoint' } as const;
    const answer = await exchangeWithFaults(fault, by, exchange, headers, Buffer.from(JSON.stringify(input)));
    if (answer === lost) throw new AwsError('InternalFailure', `${operation}: the connection was reset`, 500);
    const output = JSON.parse(answer.body) as Record<string, unknown>;
    if (answer.status === 200) return output;
    throw new AwsError(String(output['__type']).replace(/^.*#/, ''), String(output['message']), answer.status);
  }

  return {
    call,
    exchange,
    giveBack: async (headers, request, answer) => {
      if (headers['x-amz-target'] === 'AmazonSQS.ReceiveMessage') await giveBack(call, request, answer);
    },
    close: () => app.close(),
  };
}

async function giveBack(call: Queues['call'], request: Buffer, answer: Answer): Promise<void> {
  const { QueueUrl } = JSON.parse(request.toString()) as { QueueUrl: string };
  const { Messages = [] } = JSON.parse(answer.body) as { Messages?: { ReceiptHandle: string }[] };
  for (const { ReceiptHandle } of Messages) {
    await call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
  }
}

/**
 * fauxqs makes URLs on `sqs.<region>.localhost`, a name that not every resolver knows, and clients such as older SDKs
 * send to the URL's host. It looks at the path only when a URL comes back.
 */
function withReachableUrls(body: string, endpoint: string): string {
  return body.replaceAll(/http:\/\/sqs\.[a-z0-9-]+\.localhost(:\d+)?(?=\/\d{12}\/)/g, endpoint);
}

function definedHeaders(headers: Record<string, unknown>, names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
}
