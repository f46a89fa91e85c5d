import { createHash } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Progress, ProgressEvent } from '../ports/progress.ts';

/** One logger a process; its service name comes from the environment. */
export const logger = new Logger();

/**
 * What identifies an object in a log line: keys may hold personal data and anything else, so their hash is what lines
 * are found by; the ledger has the key itself.
 */
export function keyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

type Unit = (typeof MetricUnit)[keyof typeof MetricUnit];

type Finished = Extract<ProgressEvent, { type: 'finished' }>['outcome'];

/** The metric that counts an outcome. */
function metricOf({ route }: Finished): string | undefined {
  switch (route) {
    case 'skip':
      return 'ObjectsSkipped';
    case 'delete':
      return 'ObjectsDeleted';
    case 'execution':
      return 'ExecutionsStarted';
    case 'put':
    case 'multipart':
    case 'server-side copy':
      return 'ObjectsCopied';
  }
}

/**
 * Counts what the code of one invocation, or of one minute of a worker, did, a task at a time, and publishes the sums once at its end: one metric
 * line a task, whatever the batch's size.
 */
export class Tally {
  readonly #tasks = new Map<string, Map<string, { unit: Unit; values: number[] }>>();

  /** Adds a value. Counts are summed by CloudWatch; delays keep their distribution. */
  add(task: string, name: string, value: number, unit: Unit = MetricUnit.Count): void {
    const metrics = this.#tasks.get(task) ?? new Map<string, { unit: Unit; values: number[] }>();
    this.#tasks.set(task, metrics);
    const metric = metrics.get(name);
    if (metric && unit === MetricUnit.Milliseconds) metric.values.push(value);
    else metrics.set(name, { unit, values: [(metric?.values[0] ?? 0) + value] });
  }

  /** A listener that logs and counts what the core tells of one task. */
  progress(task: string): Progress {
    return (event) => {
      switch (event.type) {
        case 'sent':
          this.add(task, 'BytesSent', event.bytes, MetricUnit.Bytes);
          if (event.part !== undefined) this.add(task, 'PartsSent', 1);
          break;
        case 'retry':
          this.add(task, 'Retries', 1);
          logger.warn('trying again', { task, keyHash: keyHash(event.key), fault: event.fault, reason: event.message });
          break;
        case 'finished': {
          const { outcome } = event;
          const name = metricOf(outcome);
          if (name !== undefined) this.add(task, name, 1);
          const { route, bytes, reason } = outcome;
          if (outcome.bytes > 0) this.add(task, 'BytesCopied', bytes, MetricUnit.Bytes);
          logger.debug('finished', { task, keyHash: keyHash(outcome.key), route, bytes, reason });
          break;
        }
      }
    };
  }

  /** Writes the metric lines. */
  publish(): void {
    for (const [task, values] of this.#tasks) {
      const metrics = new Metrics();
      metrics.addDimension('task', task);
      for (const [name, { unit, values: all }] of values) {
        for (const value of all) metrics.addMetric(name, unit, value);
      }
      metrics.publishStoredMetrics();
    }
    this.#tasks.clear();
  }
}
