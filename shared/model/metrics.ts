import { allTasks, unknownTask, workerItself } from './job.ts';
import { lossTable, type LossKind } from './losses.ts';

/**
 * The one table of the metrics that S3 Ferry writes. Emitters, dashboard, alarms and docs/metrics.md take their names
 * from it, so a misspelt metric does not compile, and none is written that no graph shows.
 *
 * Every metric has the dimensions of {@link metricDimensions}. `task` is the name of a task, or a stand-in:
 * `standIn` names the one that a metric may have.
 */
export const metricTable = {
  ObjectsCopied: { unit: 'Count', graph: 'Objects', meaning: 'objects copied, by any route' },
  ObjectsSkipped: {
    unit: 'Count',
    graph: 'Objects',
    meaning: 'jobs that needed nothing: the destination already has the object, or the source no longer does',
  },
  ObjectsDeleted: { unit: 'Count', graph: 'Objects', meaning: 'objects deleted at the destination' },
  ObjectsFailed: {
    unit: 'Count',
    graph: 'Objects',
    standIn: unknownTask,
    meaning: 'jobs that went to the dead-letter queue',
  },
  JobsPostponed: {
    unit: 'Count',
    graph: 'Objects',
    alarm: 'Jobs postponed',
    standIn: allTasks,
    meaning:
      'times that jobs were sent again because a store, a service or a credential failed: per task, and for all tasks ' +
      'together',
  },
  JobsHeld: {
    unit: 'Count',
    graph: 'Objects',
    meaning:
      'times that jobs were sent again because they may not be done now: their task or run is paused, or there are as ' +
      'many uploads in parts as may be',
  },
  SideFailing: {
    unit: 'Count',
    graph: 'Objects',
    alarm: 'Side fails',
    standIn: allTasks,
    meaning:
      'times that a side of a task failed whatever was asked of it, so that its jobs wait: per task, and for all tasks ' +
      'together',
  },
  JobsCancelled: {
    unit: 'Count',
    graph: 'Objects',
    meaning: 'jobs that left the queue undone because their run was cancelled',
  },
  AttributesDropped: {
    unit: 'Count',
    graph: 'Objects',
    meaning: 'copies that lack something of their source; the graph "Losses" says what',
  },
  TagsLost: { unit: 'Count', graph: 'Losses', meaning: 'copies without the tags of their source' },
  HeadersLost: { unit: 'Count', graph: 'Losses', meaning: 'copies without a content header, or with another value' },
  MetadataLost: { unit: 'Count', graph: 'Losses', meaning: 'copies without some user metadata, or with other values' },
  WebsiteRedirectsLost: { unit: 'Count', graph: 'Losses', meaning: 'copies without the website redirect' },
  ObjectLocksLost: {
    unit: 'Count',
    graph: 'Losses',
    meaning: 'copies of objects with a retention or legal hold, which no copy carries',
  },
  StorageClassesLost: {
    unit: 'Count',
    graph: 'Losses',
    meaning: "copies in another storage class than the task's, because the destination ignores it",
  },
  EncryptionLost: {
    unit: 'Count',
    graph: 'Losses',
    meaning: "copies without the task's encryption, because the destination ignores it",
  },
  ChecksumsLost: {
    unit: 'Count',
    graph: 'Losses',
    meaning: 'copies without the checksum that their source has or the task asks for; their bytes were verified',
  },
  BytesCopied: { unit: 'Bytes', graph: 'Bytes', meaning: 'sizes of the objects copied' },
  BytesSent: {
    unit: 'Bytes',
    graph: 'Bytes',
    meaning: 'bytes of bodies, parts and server-side copies that the destination confirmed, even if sent again later',
  },
  EventToDone: {
    unit: 'Milliseconds',
    graph: 'Event to done (p50, ms)',
    meaning: 'time from an S3 event to the end of its job',
  },
  KeysListed: { unit: 'Count', graph: 'Finder', meaning: 'keys listed by runs, on both sides together' },
  JobsFound: { unit: 'Count', graph: 'Finder', meaning: 'jobs that runs sent to the queue' },
  RunsDone: { unit: 'Count', graph: 'Runs ended', meaning: 'runs that succeeded' },
  RunsSuperseded: {
    unit: 'Count',
    graph: 'Runs ended',
    meaning: 'runs that did nothing, because another run of the task was under way',
  },
  RunsFailed: { unit: 'Count', graph: 'Runs ended', standIn: unknownTask, meaning: 'runs that failed' },
  PartsSent: { unit: 'Count', graph: 'Parts and retries', meaning: 'parts of multipart uploads sent' },
  Retries: { unit: 'Count', graph: 'Parts and retries', meaning: 'requests and copies that were tried again' },
  ExecutionsStarted: {
    unit: 'Count',
    graph: 'Parts and retries',
    meaning: 'executions of the UPLOAD machine started, one per large object',
  },
  UploadsSwept: {
    unit: 'Count',
    graph: 'Parts and retries',
    alarm: 'Uploads abandoned',
    standIn: allTasks,
    meaning: 'abandoned multipart uploads that were aborted: per task, and for all tasks together',
  },
  NotificationsMissing: {
    unit: 'Count',
    graph: 'Objects',
    alarm: 'Events not sent',
    standIn: allTasks,
    meaning:
      "times that the daily sweep found a source bucket without the notification of a task's events: per task, and for " +
      'all tasks together',
  },
  MessagesGivenBack: {
    unit: 'Count',
    graph: 'Workers',
    standIn: workerItself,
    meaning: 'messages that EC2 workers returned to the queue unfinished: they drained, or held them too long',
  },
  JobsStuck: {
    unit: 'Count',
    graph: 'Workers',
    standIn: workerItself,
    meaning: 'jobs that EC2 workers gave up because they made no progress',
  },
} as const satisfies Record<string, MetricDefinition>;

export interface MetricDefinition {
  /** counts and bytes are summed; milliseconds keep their distribution */
  readonly unit: 'Count' | 'Bytes' | 'Milliseconds';
  /** the dashboard's graph that shows it */
  readonly graph: string;
  /** the alarm that looks at it: a heading of docs/runbook.md */
  readonly alarm?: string;
  /** the value of `task` when it belongs to no single task */
  readonly standIn?: typeof unknownTask | typeof allTasks | typeof workerItself;
  readonly meaning: string;
}

export type MetricName = keyof typeof metricTable;
export type MetricGraph = (typeof metricTable)[MetricName]['graph'];

/** The metric that counts the copies with a loss of this kind. */
export function lossMetric(kind: LossKind): MetricName {
  return lossTable[kind].metric;
}

/** `service` is the function's folder in functions/, or `worker`. */
export const metricDimensions = ['service', 'task'] as const;

/** The value of `service` for the processes of the EC2 workers. */
export const workerService = 'worker';

/** The namespace without a stack: of pipelines on one machine, and of workers that are started by hand. */
export const defaultMetricsNamespace = 'S3Ferry';

/** The namespace of a stack's metrics: stacks in one account and region do not share one. */
export function metricsNamespaceOf(stack: string): string {
  return `${defaultMetricsNamespace}/${stack}`;
}

/** The metrics that a graph of the dashboard shows, in the table's order. */
export function metricsOfGraph(graph: MetricGraph): MetricName[] {
  return (Object.keys(metricTable) as MetricName[]).filter((name) => metricTable[name].graph === graph);
}
