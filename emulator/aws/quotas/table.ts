/**
 * The quotas of AWS that the emulator enforces, each with the number of an account and its source.
 *
 * `kind` says what `factor` of a quotas file does to a number: a `count` is scaled to a whole number of at least 1, a
 * `rate` (per second or minute) to any number above 0, a `fixed` number stays.
 */
export interface QuotaRow {
  readonly kind: 'count' | 'rate' | 'fixed';
  /** what the number counts */
  readonly unit: string;
  /** in us-east-1; other classes have the same number unless they are listed */
  readonly value: number;
  readonly otherRegions?: number;
  readonly newAccount?: number;
  /** the page of AWS that states the number */
  readonly source: string;
}

const lambdaQuotas = 'AWS Lambda Developer Guide: Lambda quotas';
const lambdaScaling = 'AWS Lambda Developer Guide: Lambda scaling behavior';
const sqsMapping = 'AWS Lambda Developer Guide: Configuring scaling behavior for SQS event source mappings';
const sqsQueues = 'Amazon SQS Developer Guide: Amazon SQS standard queue quotas';
const sqsMessages = 'Amazon SQS Developer Guide: Amazon SQS message quotas';
const sqsPolicies = 'Amazon SQS Developer Guide: Amazon SQS policy quotas';
const states = 'AWS Step Functions Developer Guide: Step Functions service quotas';
const s3 = 'Amazon S3 User Guide: Best practices design patterns: optimizing Amazon S3 performance';
const ssm = 'AWS General Reference: AWS Systems Manager endpoints and quotas, Parameter Store throughput';
const keyRanges = 'Amazon DynamoDB Developer Guide: Key range throughput exceeded (hot partitions)';
const onDemand = 'Amazon DynamoDB Developer Guide: On-demand capacity mode, initial throughput';
const events = 'Amazon EventBridge User Guide: Amazon EventBridge quotas';
const sns = 'AWS General Reference: Amazon Simple Notification Service endpoints and quotas';

export const quotaTable = {
  /** New accounts have less, and Lambda raises it with use; how much less is not documented. Assumed: 10. */
  lambdaConcurrency: { kind: 'count', unit: 'calls at once', value: 1000, newAccount: 10, source: lambdaQuotas },
  lambdaScaling: {
    kind: 'count',
    unit: 'new environments of a function in 10 seconds',
    value: 1000,
    source: lambdaScaling,
  },
  /** Of all functions that share the account's concurrency: ten times that concurrency. */
  lambdaRequestsPerCall: {
    kind: 'fixed',
    unit: 'requests a second, times the calls at once',
    value: 10,
    source: lambdaQuotas,
  },
  mappingStart: { kind: 'fixed', unit: 'batches at once', value: 5, source: sqsMapping },
  mappingGrowth: { kind: 'rate', unit: 'more batches at once, a minute', value: 300, source: sqsMapping },
  mappingMaximum: { kind: 'count', unit: 'batches at once', value: 1000, source: sqsMapping },

  sqsInFlight: { kind: 'count', unit: 'messages of a queue in flight', value: 120_000, source: sqsQueues },
  /** In force is each queue's own MessageRetentionPeriod; this is the longest that a queue may have, 14 days. */
  sqsRetention: { kind: 'fixed', unit: 'seconds that a queue keeps a message', value: 1_209_600, source: sqsMessages },
  sqsPolicyStatements: { kind: 'fixed', unit: 'statements of a queue policy', value: 20, source: sqsPolicies },

  startExecutionBucket: { kind: 'count', unit: 'tokens', value: 1300, otherRegions: 800, source: states },
  startExecutionRate: { kind: 'rate', unit: 'tokens a second', value: 300, otherRegions: 150, source: states },
  /** New accounts have less, and Step Functions raises it with use; how much less is not documented. */
  stateTransitionBucket: { kind: 'count', unit: 'tokens', value: 5000, otherRegions: 800, source: states },
  stateTransitionRate: { kind: 'rate', unit: 'tokens a second', value: 5000, otherRegions: 800, source: states },
  describeExecutionBucket: { kind: 'count', unit: 'tokens', value: 300, otherRegions: 250, source: states },
  describeExecutionRate: { kind: 'rate', unit: 'tokens a second', value: 15, otherRegions: 10, source: states },
  listExecutionsBucket: { kind: 'count', unit: 'tokens', value: 200, otherRegions: 100, source: states },
  listExecutionsRate: { kind: 'rate', unit: 'tokens a second', value: 5, otherRegions: 2, source: states },
  stopExecutionBucket: { kind: 'count', unit: 'tokens', value: 1000, otherRegions: 500, source: states },
  stopExecutionRate: { kind: 'rate', unit: 'tokens a second', value: 200, otherRegions: 25, source: states },
  executionHistoryBucket: { kind: 'count', unit: 'tokens', value: 400, source: states },
  executionHistoryRate: { kind: 'rate', unit: 'tokens a second', value: 20, source: states },
  openExecutions: { kind: 'count', unit: 'open executions', value: 1_000_000, source: states },
  openMapRuns: { kind: 'count', unit: 'open runs of distributed maps', value: 1000, source: states },
  historyEvents: { kind: 'fixed', unit: 'events of an execution', value: 25_000, source: states },

  s3Writes: { kind: 'rate', unit: 'PUT, COPY, POST and DELETE a second in a partition', value: 3500, source: s3 },
  s3Reads: { kind: 'rate', unit: 'GET and HEAD a second in a partition', value: 5500, source: s3 },
  /** S3 splits gradually; the time is not documented. Assumed: half an hour, as AWS employees answer (re:Post). */
  s3SplitSeconds: { kind: 'fixed', unit: 'seconds of refusals before a partition is split', value: 1800, source: s3 },

  /** Shared by GetParameter, GetParameters, GetParametersByPath and PutParameter. */
  ssmRate: { kind: 'rate', unit: 'requests a second', value: 40, source: ssm },

  dynamodbWrites: { kind: 'rate', unit: 'write units a second in a partition', value: 1000, source: keyRanges },
  dynamodbReads: { kind: 'rate', unit: 'read units a second in a partition', value: 3000, source: keyRanges },
  /** A new on-demand table takes 4,000 writes and 12,000 reads a second: four partitions' worth. */
  dynamodbPartitions: { kind: 'fixed', unit: 'partitions of a table or index', value: 4, source: onDemand },

  putEventsRate: { kind: 'rate', unit: 'requests a second', value: 10_000, otherRegions: 600, source: events },
  publishRate: { kind: 'rate', unit: 'messages a second', value: 30_000, otherRegions: 300, source: sns },
} as const satisfies Readonly<Record<string, QuotaRow>>;

export type QuotaName = keyof typeof quotaTable;

/** The numbers that are in force, by name. */
export type QuotaValues = Readonly<Record<QuotaName, number>>;

/** `us-east-1` also stands for us-west-2 and eu-west-1. A new account is in one of the other regions. */
export const quotaClasses = ['us-east-1', 'other-regions', 'new-account'] as const;
export type QuotaClass = (typeof quotaClasses)[number];
