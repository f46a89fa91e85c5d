/**
 * The numbers of AWS that the models keep to. Each says where it is from: [D] is AWS's documentation (document and
 * section), [A] is an assumption, because AWS does not document it.
 */

/** A token bucket of an API. */
export interface BucketQuota {
  readonly burst: number;
  readonly perSecond: number;
}

export const lambdaQuotas = {
  /** [D] Lambda Developer Guide: Lambda quotas, "Compute and storage"; new accounts have less */
  accountConcurrency: 1000,
  /** [D] Lambda Developer Guide: Lambda scaling behavior, "Concurrency scaling rate": each function, per ten seconds */
  newEnvironments: { burst: 1000, perSecond: 100 },
  /** [D] Lambda Developer Guide: Lambda quotas, "Function configuration" */
  timeoutSeconds: 900,
  /** [A] start of a new environment with a bundle of about 1 MB; AWS names no number */
  coldStartMillis: 600,
  /**
   * Bytes each way for one environment. [A] 600 Mbit/s: AWS documents no number; 400 to 700 Mbit/s were measured by
   * users ("Large file download speed test", 2023), and the project counts on 600 (shared/model/limits.ts).
   */
  networkBytesPerSecond: 75_000_000,
} as const;

export const mappingQuotas = {
  /** [D] Lambda Developer Guide: Configuring scaling behavior for SQS event source mappings, first paragraph */
  firstBatches: 5,
  morePerMinute: 300,
  mostBatches: 1000,
  /** [A] receiving a batch, calling the function and deleting the messages, beside the call itself */
  overheadMillis: 20,
} as const;

export const sqsQuotas = {
  /** [D] SQS Developer Guide: Amazon SQS standard queue quotas, "In-flight messages" */
  inFlight: 120_000,
  /** [D] the same, "Message batching" and "Message delay" */
  batch: 10,
  longestDelaySeconds: 900,
  /** [D] SQS Developer Guide: How Amazon SQS fair queues work, "How detection works" */
  noisyShare: 0.1,
  noisyInFlight: 30,
  /** [A] SendMessage and ReceiveMessage, in one region */
  latency: { median: 8, p99: 50 },
} as const;

/** Step Functions gives the three large regions more. */
export type RegionClass = 'large' | 'other';

export const statesQuotas = {
  /** [D] Step Functions Developer Guide: Service quotas, "Quotas related to API action throttling" */
  startExecution: { large: { burst: 1300, perSecond: 300 }, other: { burst: 800, perSecond: 150 } },
  /** [D] the same, "Quotas related to state throttling" (an account that is not new) */
  transitions: { large: { burst: 5000, perSecond: 5000 }, other: { burst: 800, perSecond: 800 } },
  /** [D] the same, "Quotas related to accounts" */
  openExecutions: 1_000_000,
  openMapRuns: 1000,
  childrenAtOnce: 10_000,
  /** [D] the same, "Map Run dispatch rate": Standard children of one Map Run */
  childrenPerSecond: 100,
  /** [D] the same, "Quotas related to state machine executions" */
  historyEvents: 25_000,
  /** [A] from the end of a state to the start of the next */
  transitionLatency: { median: 25, p99: 120 },
  /** [A] from the start of a Distributed Map to its first child, and from its last child to its end */
  mapOverheadMillis: 500,
} as const;

export const s3Quotas = {
  /** [D] S3 User Guide: Best practices design patterns: optimizing Amazon S3 performance */
  writesPerSecond: 3500,
  readsPerSecond: 5500,
  /** [D] re:Post, "Object key naming pattern": splitting a partition "can take from 30 to 60 minutes" */
  splitMinutes: 45,
} as const;

/**
 * Milliseconds to the first byte of an answer, in one region. [A] The S3 User Guide (Performance guidelines) says
 * "roughly 100-200 milliseconds" for small objects, which is where these tails end; medians are what clients see.
 */
export const s3Latencies = {
  head: { median: 15, p99: 100 },
  get: { median: 25, p99: 180 },
  put: { median: 35, p99: 200 },
  delete: { median: 25, p99: 180 },
  /** a page of 1,000 keys with its parsing: 6,000 keys a second, as measured for find-objects */
  list: { median: 150, p99: 400 },
  /** CompleteMultipartUpload: grows with the parts */
  complete: { median: 150, p99: 1000 },
} as const;

export const dynamoQuotas = {
  /** [D] DynamoDB Developer Guide: On-demand capacity mode, "Initial throughput and scaling properties" */
  newTableWritesPerSecond: 4000,
  newTableReadsPerSecond: 12_000,
  /** [D] the same: twice the previous peak is there at once; more than that within 30 minutes may be throttled */
  doublingMinutes: 30,
  /** [D] DynamoDB: Service quotas, "Default throughput quotas" (units a table, in most regions; adjustable) */
  tableUnitsPerSecond: 40_000,
  /** [A] PutItem and GetItem */
  latency: { median: 6, p99: 25 },
} as const;

export const ssmQuotas = {
  /** [D] AWS General Reference: Systems Manager endpoints and quotas, "Parameter Store throughput", default */
  getPerSecond: 40,
} as const;

export const ec2Quotas = {
  /**
   * Baseline of a c7g.large, each way. [D] EC2 Instance Types, "Compute optimized: network specifications", 0.937
   * Gbit/s; bursts are left out, because a run lasts for longer than they do
   */
  networkBytesPerSecond: 117_000_000,
  /** [A] from the decision of the group to the first message that an instance takes */
  bootSeconds: 120,
} as const;
