import { BufferPool } from '../shared/flow/buffer-pool.ts';
import { DynamoControls } from '../shared/aws/dynamodb/controls.ts';
import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { DynamoRunCounters } from '../shared/aws/dynamodb/run-counters.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import {
  createParameterClient,
  createQueueClient,
  createSingleAttemptClient,
  createTableClient,
} from '../shared/aws/service-clients.ts';
import { SqsDeadLetters } from '../shared/aws/sqs/job-queue.ts';
import { SqsJobSource } from '../shared/aws/sqs/job-source.ts';
import { Stores, type TaskStores } from '../shared/aws/s3/stores.ts';
import type { Task } from '../shared/model/config/task.ts';
import { asFault } from '../shared/model/faults.ts';
import { workerItself } from '../shared/model/job.ts';
import { MiB } from '../shared/model/limits.ts';
import { logLearned } from '../shared/observing/learned.ts';
import { logStale } from '../shared/observing/stale.ts';
import { governing } from '../shared/observing/governing.ts';
import { reports, reportUncounted } from '../shared/observing/report.ts';
import { logger, Tally } from '../shared/observing/tally.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { EndBuffer } from '../shared/run/end-buffer.ts';
import { Governor } from '../shared/run/governor.ts';
import type { Consumer } from '../shared/transfer/consume-message.ts';
import { transferObject } from '../shared/transfer/transfer-object.ts';
import { QueueConsumer, type QueueEvent } from './queue-consumer.ts';
import type { Delivery } from './delivery.ts';
import type { WorkerEnvironment } from './environment.ts';
import { reportIntervalMillis, type ProcessHealth } from './health.ts';

/** How often the ends of objects are added to the counts of their runs; a process that is killed loses the last. */
const countIntervalMillis = 5_000;

/**
 * One process of the worker: receives messages and moves objects until a signal, or until the primary process is gone.
 * @returns the exit code: 1 if a job was stuck, so that the primary starts a new process
 */
export async function runProcess(environment: WorkerEnvironment): Promise<number> {
  const tally = new Tally();
  logger.appendKeys({ pid: process.pid });
  let finished = 0;
  const queueClient = createQueueClient();
  const deadLetters = new SqsDeadLetters(queueClient, environment.DEAD_LETTER_QUEUE_URL);
  const table = createTableClient();
  const counters = new DynamoRunCounters(createSingleAttemptClient(table), environment.LEDGER_TABLE);
  const ends = new EndBuffer(counters, reportUncounted);
  const ledger = new DynamoLedger(table, environment.LEDGER_TABLE, ends.note);
  const consumer = consumerFor(environment, { deadLetters, ledger }, tally, () => finished++);
  const consumerOfQueue = ({ url, atOnce }: ConsumedQueue): QueueConsumer => {
    const source = new SqsJobSource(queueClient, url, environment.VISIBILITY_SECONDS);
    return new QueueConsumer({
      source,
      clock: systemClock,
      limits: {
        visibilitySeconds: environment.VISIBILITY_SECONDS,
        jobTimeoutSeconds: environment.JOB_TIMEOUT_SECONDS,
        maxHoldSeconds: environment.MAX_HOLD_SECONDS,
      },
      objectsAtOnce: atOnce,
      maxReceives: environment.MAX_RECEIVES,
      drainSeconds: environment.DRAIN_SECONDS,
      consumerOf: (delivery) => ({ ...consumer(delivery), redelivery: source }),
      onEvent: (event) => {
        recordEvent(event, tally);
        // Only the end of the process frees what a stuck job holds.
        if (event.type === 'stuck') drain('a job is stuck');
      },
    });
  };
  const consumers = queuesOf(environment).map(consumerOfQueue);

  const publish = (): void => {
    if (finished > 0) logger.info('worked', { objects: finished });
    finished = 0;
    tally.publish();
  };
  const metrics = setInterval(publish, environment.METRICS_SECONDS * 1000);
  const counts = setInterval(() => void ends.flush(), countIntervalMillis);
  const health = setInterval(() => reportHealth(consumers), reportIntervalMillis);
  const drain = (why: string): void => {
    if (!consumers.some(({ ending }) => ending)) logger.info('draining', { why, jobs: jobsOf(consumers) });
    for (const queueConsumer of consumers) queueConsumer.drain();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => drain(signal));
  process.on('disconnect', () => drain('the primary process is gone'));
  reportHealth(consumers);
  logger.info('working');
  try {
    return (await Promise.all(consumers.map((one) => one.run()))).includes('stuck') ? 1 : 0;
  } finally {
    clearInterval(metrics);
    clearInterval(counts);
    clearInterval(health);
    publish();
    await ends.flush();
    logger.info('ended');
  }
}

/** A queue, and how many of its messages one process works on at once. */
interface ConsumedQueue {
  readonly url: string;
  readonly atOnce: number;
}

/** Events have messages in hand of their own, so that they never wait behind jobs. */
function queuesOf(environment: WorkerEnvironment): ConsumedQueue[] {
  const jobs = { url: environment.QUEUE_URL, atOnce: environment.OBJECTS_AT_ONCE };
  const events = { url: environment.EVENTS_QUEUE_URL, atOnce: environment.EVENTS_AT_ONCE };
  return events.url === 'none' ? [jobs] : [jobs, events];
}

/** Messages follow the same rules as in Lambda; large objects are uploaded in this process. */
function consumerFor(
  environment: WorkerEnvironment,
  records: Pick<Consumer, 'deadLetters' | 'ledger'>,
  tally: Tally,
  onFinished: () => void,
): (delivery: Delivery) => Omit<Consumer, 'redelivery'> {
  const parameters = new Parameters(createParameterClient(), environment.TASKS_PATH, {
    readsAll: true,
    onStale: logStale,
  });
  const stores = new Stores(parameters, logLearned);
  const { ledger } = records;
  const controls = new DynamoControls(createTableClient(), environment.LEDGER_TABLE);
  const governor = new Governor({ controls, clock: systemClock, ...governing });
  governor.readTasks((name) => parameters.task(name));
  const buffers = new BufferPool((environment.MEMORY_MIB / environment.PROCESSES) * MiB);
  const openStores = (task: Task): Promise<TaskStores> =>
    stores.of(task, (side, error) => governor.seen(task.name, side, asFault(error)));
  return (delivery) => ({
    tasks: () => parameters.tasks(),
    standing: (job) => governor.standing(job),
    transfer: async (job) => {
      const task = await parameters.task(job.task);
      const work = transferObject(
        {
          task,
          ...governor.watch(job.task, await openStores(task)),
          buffers,
          clock: systemClock,
          progress: delivery.watchProgress(tally.progress(job.task)),
          deadline: delivery.deadline,
          partsAtOnce: environment.PARTS_AT_ONCE,
          ledger,
          standing: () => governor.standing(job),
        },
        job,
      );
      const outcome = await Promise.race([work, delivery.stuck]);
      onFinished();
      return outcome;
    },
    ...records,
    clock: systemClock,
    maxReceives: environment.MAX_RECEIVES,
    giveUpAfterSeconds: environment.GIVE_UP_AFTER_SECONDS,
    interrupted: () => delivery.interrupted,
    ...reports(tally),
  });
}

/** Logs what happened to a message, and counts it where a metric exists. */
function recordEvent(event: QueueEvent, tally: Tally): void {
  switch (event.type) {
    case 'receive failed':
      logger.error('the queue cannot be read', { fault: event.fault.name, reason: event.fault.message });
      break;
    case 'heartbeat missed':
    case 'deletion failed':
      logger.warn(event.type, { ...event, message: undefined, fault: event.fault.name, reason: event.fault.message });
      break;
    case 'given back':
      tally.add(workerItself, 'MessagesGivenBack', 1);
      logger.info('given back', { messageId: event.message, how: event.how });
      break;
    case 'stuck':
      tally.add(workerItself, 'JobsStuck', 1);
      logger.error('a job makes no progress; this process ends and another one takes its place', {
        messageId: event.message,
      });
      break;
  }
}

function jobsOf(consumers: readonly QueueConsumer[]): number {
  return consumers.reduce((sum, { jobs }) => sum + jobs, 0);
}

function reportHealth(consumers: readonly QueueConsumer[]): void {
  // Of the queue that has been silent for longer.
  const receivedAt = Math.min(...consumers.map((one) => one.receivedAt ?? -Infinity));
  const health: ProcessHealth = {
    pid: process.pid,
    state: consumers.some(({ ending }) => ending) ? 'draining' : 'working',
    jobs: jobsOf(consumers),
    receivedAt: Number.isFinite(receivedAt) ? receivedAt : null,
  };
  // The primary process may be gone.
  if (process.connected) process.send?.(health, undefined, undefined, () => undefined);
}
