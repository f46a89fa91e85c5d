/**
 * When the pool of workers grows and shrinks: metric math, and the changes that policies make.
 * test/infra/scaling.test.ts evaluates them, from the synthesized template, over curves of load.
 *
 * Metrics of the expressions: `visible` and `inFlight`, messages of the queue of jobs; `eventsVisible` and
 * `eventsInFlight`, those of the queue of events; `workers`, the capacity that the group is to have, in which a worker
 * that starts counts already.
 */

const messageMetrics = ['visible', 'inFlight', 'eventsVisible', 'eventsInFlight'];

/** Messages per worker from which another worker is added: several times what one handles at once. */
export const loadOfOneWorker = 200;
/** Messages that a process of a worker has in hand at most, unless the settings say otherwise. */
const defaultObjectsAtOnce = 16;
/** Two processes with three fifths of that in hand: others are spare as long as the rest have no more. */
const busyShare = 2 * 0.6;
/** Messages, beyond those that functions have in hand, that start the first worker beside functions. */
const startBesideFunctions = 5 * loadOfOneWorker;

/** Who takes jobs. */
export interface Consumers {
  /** messages that functions have in hand at most; 0 if only workers take jobs */
  readonly functionsInHand: number;
  /** messages that a process of a worker has in hand at most */
  readonly objectsAtOnce?: number | undefined;
}

/** An alarm on the last of its expressions: each minute at or above `threshold` counts. While it lasts, it acts. */
export interface ScalingRule {
  /** by name; each may use the metrics and the names before it */
  readonly expressions: Readonly<Record<string, string>>;
  readonly threshold: number;
  /** minutes that are looked at, and how many of them must count */
  readonly minutes: number;
  readonly counting: number;
}

/** Workers that are added, from a value of the alarm's metric on. */
export interface GrowthStep {
  readonly from: number;
  readonly add: number;
}

/**
 * Growth goes by messages per worker: the alarm acts every minute while it lasts, and one object that takes hours is no
 * reason for another worker. Without workers, all messages are those of the first one. Where functions take none, a
 * single message starts it.
 *
 * FILL, because SQS and EC2 Auto Scaling publish no data of what is unused. The newest minute may be filled because
 * its data is late (Amazon CloudWatch User Guide: Using metric math), so one of three minutes counts, and the number of
 * workers is repeated.
 */
export function growthRule({ functionsInHand }: Consumers): ScalingRule {
  const [enough, few] =
    functionsInHand > 0 ? [startBesideFunctions, '0'] : [loadOfOneWorker, `IF(total > 0, ${loadOfOneWorker}, 0)`];
  return {
    expressions: {
      ...beyond(messageMetrics.map((name) => `FILL(${name}, 0)`).join(' + '), functionsInHand),
      known: 'FILL(workers, REPEAT)',
      pool: 'FILL(known, 0)',
      load: `IF(pool > 0 OR total >= ${enough}, total / IF(pool > 0, pool, 1), ${few})`,
    },
    threshold: loadOfOneWorker,
    minutes: 3,
    counting: 1,
  };
}

/** How many workers are added, by the messages per worker. */
export function growthSteps(maxInstances: number): GrowthStep[] {
  return [
    { from: loadOfOneWorker, add: 1 },
    { from: 10 * loadOfOneWorker, add: Math.min(2, maxInstances) },
    { from: 100 * loadOfOneWorker, add: maxInstances },
  ];
}

/**
 * Shrinking goes by the workers that the load does not need, for ten minutes without exception. Where functions take no
 * jobs, one worker stays as long as there is a message, visible or in flight.
 */
export function shrinkRule({ functionsInHand, objectsAtOnce = defaultObjectsAtOnce }: Consumers): ScalingRule {
  const stays = Math.ceil(busyShare * objectsAtOnce);
  const few = functionsInHand > 0 ? '0' : 'IF(total > 0, 1, 0)';
  return {
    expressions: {
      ...beyond(messageMetrics.join(' + '), functionsInHand),
      spare: `workers - IF(total > ${stays}, total / ${stays}, ${few})`,
    },
    threshold: 1,
    minutes: 10,
    counting: 10,
  };
}

/** Per cent of the workers that are removed each minute, but at least one. */
export const shrinkPercent = 20;

/** The messages that are left to workers. */
function beyond(messages: string, functionsInHand: number): Record<string, string> {
  if (functionsInHand === 0) return { total: messages };
  return { messages, total: `IF(messages > ${functionsInHand}, messages - ${functionsInHand}, 0)` };
}
