import { AwsError, jsonError, type Answer, type Exchange, type Headers } from '../http/exchange.ts';
import type { QuotaClock } from './clock.ts';
import type { QuotaValues } from './table.ts';
import type { Usage } from './usage.ts';

type Json = Readonly<Record<string, unknown>>;

interface Received {
  readonly ReceiptHandle: string;
  readonly Attributes?: Readonly<Record<string, string>>;
}

/** SQS: most messages of one answer. */
const maxReceive = 10;
/** How often a long poll looks whether there is room. */
const lookMillis = 100;

/**
 * The messages of a queue in flight, and how long it keeps messages. At the quota a short poll is refused with
 * OverLimit; a long poll gets no error, and no message (SQS Developer Guide: Amazon SQS standard queue quotas). A
 * message older than the queue's retention period is deleted; here it disappears when it would be received.
 */
export class Flight {
  readonly #values: QuotaValues;
  readonly #clock: QuotaClock;
  readonly #usage: Usage;
  #closed = false;

  constructor(values: QuotaValues, clock: QuotaClock, usage: Usage) {
    this.#values = values;
    this.#clock = clock;
    this.#usage = usage;
  }

  /** Ends long polls that wait for room. */
  close(): void {
    this.#closed = true;
  }

  /** @returns the exchange of SQS, within the quota */
  within(exchange: Exchange): Exchange {
    return async (headers, body) => {
      if (headers['x-amz-target'] !== 'AmazonSQS.ReceiveMessage') return exchange(headers, body);
      const input = parsed(body);
      const queue = input && (await lookAt(exchange, headers, input));
      if (!queue) return exchange(headers, body);
      const waitSeconds = Number(input['WaitTimeSeconds'] ?? queue.waitSeconds);
      const room = await this.#room(queue, waitSeconds, () => lookAt(exchange, headers, input));
      if (room <= 0) return this.#full(queue.name, waitSeconds);
      const MaxNumberOfMessages = Math.min(Number(input['MaxNumberOfMessages'] ?? 1), room, maxReceive);
      const asked = [input['AttributeNames'], input['MessageSystemAttributeNames']].flat();
      const MessageSystemAttributeNames = [...((input['MessageSystemAttributeNames'] ?? []) as []), 'SentTimestamp'];
      const changed = { ...input, MaxNumberOfMessages, MessageSystemAttributeNames };
      const answer = await exchange(headers, Buffer.from(JSON.stringify(changed)));
      const wantsTime = asked.includes('All') || asked.includes('SentTimestamp');
      const kept = await this.#retained(answer, { exchange, headers, input, queue, wantsTime });
      const after = await lookAt(exchange, headers, input);
      if (after) this.#inFlight(after.name).level(after.inFlight);
      return kept;
    };
  }

  async #room(queue: Queue, waitSeconds: number, look: () => Promise<Queue | undefined>): Promise<number> {
    const until = this.#clock.now() + waitSeconds * 1000;
    let room = this.#values.sqsInFlight - queue.inFlight;
    while (room <= 0 && this.#clock.now() < until && !this.#closed) {
      await this.#clock.sleep(lookMillis);
      room = this.#values.sqsInFlight - ((await look())?.inFlight ?? 0);
    }
    return room;
  }

  #full(name: string, waitSeconds: number): Answer {
    const meter = this.#inFlight(name);
    if (waitSeconds > 0) {
      meter.delay();
      return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}' };
    }
    meter.refuse();
    const text = 'Too many messages in flight.';
    // The code that SDKs know is that of the query protocol (SQS API Reference: ReceiveMessage).
    const { headers, ...answer } = jsonError(new AwsError('com.amazonaws.sqs#OverLimit', text, 403));
    return { ...answer, headers: { ...headers, 'x-amzn-query-error': 'OverLimit;Sender' } };
  }

  /** Deletes the messages of an answer that are too old. */
  async #retained(answer: Answer, { exchange, headers, input, queue, wantsTime }: Receipt): Promise<Answer> {
    if (answer.status !== 200) return answer;
    const { Messages = [], ...rest } = JSON.parse(answer.body) as { Messages?: Received[] };
    const oldest = this.#clock.now() - queue.retentionSeconds * 1000;
    const [old, kept] = [[] as Received[], [] as Received[]];
    for (const one of Messages) (Number(one.Attributes?.['SentTimestamp']) < oldest ? old : kept).push(one);
    for (const { ReceiptHandle } of old) {
      this.#usage.meter('sqsRetention', queue.name, queue.retentionSeconds).refuse();
      const lost = { QueueUrl: input['QueueUrl'], ReceiptHandle };
      await exchange({ ...headers, 'x-amz-target': 'AmazonSQS.DeleteMessage' }, Buffer.from(JSON.stringify(lost)));
    }
    const shown = wantsTime ? kept : kept.map(withoutTime);
    return { ...answer, body: JSON.stringify({ ...rest, ...(shown.length > 0 && { Messages: shown }) }) };
  }

  #inFlight(name: string): ReturnType<Usage['meter']> {
    return this.#usage.meter('sqsInFlight', name, this.#values.sqsInFlight);
  }
}

interface Receipt {
  readonly exchange: Exchange;
  readonly headers: Headers;
  readonly input: Json;
  readonly queue: Queue;
  /** did the client ask for SentTimestamp? */
  readonly wantsTime: boolean;
}

interface Queue {
  readonly name: string;
  readonly inFlight: number;
  readonly waitSeconds: number;
  readonly retentionSeconds: number;
}

/** The queue of a request; undefined if there is none, which SQS itself reports. */
async function lookAt(exchange: Exchange, headers: Headers, { QueueUrl }: Json): Promise<Queue | undefined> {
  const target = { ...headers, 'x-amz-target': 'AmazonSQS.GetQueueAttributes' };
  const answer = await exchange(target, Buffer.from(JSON.stringify({ QueueUrl, AttributeNames: ['All'] })));
  if (answer.status !== 200) return undefined;
  const { Attributes = {} } = JSON.parse(answer.body) as { Attributes?: Record<string, string> };
  return {
    name: String(QueueUrl).split('/').at(-1) ?? '',
    inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible']),
    waitSeconds: Number(Attributes['ReceiveMessageWaitTimeSeconds'] ?? 0),
    retentionSeconds: Number(Attributes['MessageRetentionPeriod']),
  };
}

function withoutTime({ Attributes = {}, ...message }: Received): object {
  const { SentTimestamp: _, ...others } = Attributes;
  return { ...message, ...(Object.keys(others).length > 0 && { Attributes: others }) };
}

function parsed(body: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
