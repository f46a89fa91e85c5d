import { AwsError, jsonError, type Answer } from '../http/exchange.ts';
import type { QuotaClock } from './clock.ts';
import type { QuotaName, QuotaValues } from './table.ts';
import { rateBucket, TokenBucket } from './token-bucket.ts';
import type { Usage } from './usage.ts';

interface Bucket {
  readonly rate: QuotaName;
  /** absent for a plain rate */
  readonly size?: QuotaName;
}

const ssm: Bucket = { rate: 'ssmRate' };

/** The buckets of operations, by service and operation. Operations with one bucket share it. */
const buckets: Readonly<Record<string, Readonly<Record<string, Bucket>>>> = {
  states: {
    StartExecution: { rate: 'startExecutionRate', size: 'startExecutionBucket' },
    DescribeExecution: { rate: 'describeExecutionRate', size: 'describeExecutionBucket' },
    ListExecutions: { rate: 'listExecutionsRate', size: 'listExecutionsBucket' },
    StopExecution: { rate: 'stopExecutionRate', size: 'stopExecutionBucket' },
    GetExecutionHistory: { rate: 'executionHistoryRate', size: 'executionHistoryBucket' },
  },
  ssm: { GetParameter: ssm, GetParameters: ssm, GetParametersByPath: ssm, PutParameter: ssm },
  events: { PutEvents: { rate: 'putEventsRate' } },
  sns: { Publish: { rate: 'publishRate' } },
};

/**
 * The rates of operations. A request over its rate is answered in the words of the service: ThrottlingException,
 * status 400 (the common errors of Step Functions, Systems Manager and EventBridge), or Throttled, status 429 (SNS API
 * Reference: Publish).
 */
export class RequestRates {
  readonly #values: QuotaValues;
  readonly #clock: QuotaClock;
  readonly #usage: Usage;
  readonly #buckets = new Map<QuotaName, TokenBucket>();

  constructor(values: QuotaValues, clock: QuotaClock, usage: Usage) {
    this.#values = values;
    this.#clock = clock;
    this.#usage = usage;
  }

  /** @returns the answer to a request that comes too early; undefined for one that may be performed */
  refusal(service: string, operation: string): Answer | undefined {
    const bucket = buckets[service]?.[operation];
    if (!bucket) return undefined;
    const meter = this.#usage.meter(bucket.rate, '', this.#values[bucket.rate]);
    if (this.#bucketOf(bucket).take()) {
      meter.count();
      return undefined;
    }
    meter.refuse();
    const [code, status] = service === 'sns' ? (['Throttled', 429] as const) : (['ThrottlingException', 400] as const);
    return jsonError(new AwsError(code, 'Rate exceeded', status));
  }

  #bucketOf({ rate, size }: Bucket): TokenBucket {
    const perSecond = this.#values[rate];
    const found =
      this.#buckets.get(rate) ??
      (size ? new TokenBucket(this.#values[size], perSecond, this.#clock) : rateBucket(perSecond, this.#clock));
    this.#buckets.set(rate, found);
    return found;
  }
}
