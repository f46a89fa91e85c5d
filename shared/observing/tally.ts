import { createHash } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Loss } from '../model/losses.ts';
import { lossMetric, metricTable, type MetricName } from '../model/metrics.ts';
import type { Progress, ProgressEvent } from '../ports/progress.ts';

/**
 * Logs and metrics. The core reports what it does to listeners; these ones write it: log lines immediately, metrics
 * summed up (CloudWatch's embedded metric format). Functions and the EC2 worker write the same lines and metrics.
 */

/** One logger per process; its service name comes from the environment. */
export const logger = new Logger();

/**
 * Identifies an object in a log line. Keys may hold personal data, so logs have their hash instead; the ledger has the
 * key.
 */
export function keyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

type Outcome = Extract<ProgressEvent, { type: 'finished' }>['outcome'];

/** The metric that counts an outcome. */
function metricOf({ route }: Outcome): MetricName {
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

/** Task and kind of the losses that this process has warned of. */
const warned = new Set<string>();

/** One line for a task, a kind and a process: the metrics count the objects, and the ledger names them. */
function warnOnce(task: string, key: string, { kind, store, reason }: Loss): void {
  const warning = `${task} ${kind}`;
  if (warned.has(warning)) return;
  warned.add(warning);
  logger.warn('copies lack something of their source', { task, lost: kind, store, keyHash: keyHash(key), reason });
}

/** Sums metrics per task for one invocation (or a minute of a worker), and publishes one line per task. */
export class Tally {
  readonly #tasks = new Map<string, Map<MetricName, number[]>>();

  /**
   * Adds a value, in the metric's unit. Counts and bytes are summed; milliseconds keep their distribution.
   * @param task a task's name, or the stand-in that the metric may have
   */
  add(task: string, name: MetricName, value: number): void {
    const metrics = this.#tasks.get(task) ?? new Map<MetricName, number[]>();
    this.#tasks.set(task, metrics);
    const values = metrics.get(name);
    if (values && metricTable[name].unit === 'Milliseconds') values.push(value);
    else metrics.set(name, [(values?.[0] ?? 0) + value]);
  }

  /** A listener that logs and counts what the core reports about one task. */
  progress(task: string): Progress {
    return (event) => {
      switch (event.type) {
        case 'sent':
          this.add(task, 'BytesSent', event.bytes);
          if (event.part !== undefined) this.add(task, 'PartsSent', 1);
          break;
        case 'retry':
          this.add(task, 'Retries', 1);
          logger.warn('trying again', { task, keyHash: keyHash(event.key), fault: event.fault });
          break;
        case 'read again':
          logger.debug('read a second time', { task, keyHash: keyHash(event.key), part: event.part });
          break;
        case 'finished': {
          const { outcome } = event;
          this.add(task, metricOf(outcome), 1);
          const { route, bytes, reason, lost = [] } = outcome;
          if (lost.length > 0) this.add(task, 'AttributesDropped', 1);
          for (const loss of lost) {
            this.add(task, lossMetric(loss.kind), 1);
            warnOnce(task, outcome.key, loss);
          }
          if (bytes > 0) this.add(task, 'BytesCopied', bytes);
          logger.debug('finished', { task, keyHash: keyHash(outcome.key), route, bytes, reason });
          break;
        }
      }
    };
  }

  /** Writes the metric lines, and starts from zero. */
  publish(): void {
    for (const [task, values] of this.#tasks) {
      const metrics = new Metrics();
      metrics.addDimension('task', task);
      for (const [name, all] of values) {
        for (const value of all) metrics.addMetric(name, metricTable[name].unit, value);
      }
      metrics.publishStoredMetrics();
    }
    this.#tasks.clear();
  }
}
