import { DynamoLedgerLookup } from '../../shared/aws/dynamodb/ledger-lookup.ts';
import { createQueueClient, createTableClient } from '../../shared/aws/service-clients.ts';
import { SqsJobQueue } from '../../shared/aws/sqs/job-queue.ts';
import { SqsQueueDepth } from '../../shared/aws/sqs/queue-depth.ts';
import type { FindObjectsState, FindOrder, RangeResult } from '../../shared/model/messages/payloads.ts';
import { findInRange } from '../../shared/find/find-range.ts';
import { findSegment } from '../../shared/find/find-segment.ts';
import { noCounts, subtractCounts, type RunCounts } from '../../shared/model/run-counts.ts';
import { holdWaitSeconds } from '../../shared/run/standing.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { readEnvironment } from '../environment.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { createGovernor, TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);
const sqs = createQueueClient();
const queue = new SqsJobQueue(sqs, environment.QUEUE_URL);
const counted = new SqsQueueDepth(sqs, environment.QUEUE_URL);
const lookup = new DynamoLedgerLookup(createTableClient(), environment.LEDGER_TABLE);
const governor = createGovernor(environment.LEDGER_TABLE, { obeysOnly: true });

governor.readTasks((name) => wiring.parameters.task(name));

/** Time kept back to send the last jobs and to answer. */
const marginMillis = 20_000;

/** Lists a range on both sides, compares, and sends jobs. The machine passes on what is left of it. */
export const handler = (
  event: FindOrder | FindObjectsState,
  invocation: Invocation,
): Promise<RangeResult | FindObjectsState> =>
  'round' in event ? findOnce(event, invocation) : findUntilShort(event, invocation);

async function findOnce(order: FindOrder, invocation: Invocation): Promise<RangeResult> {
  const { run, task } = order;
  // A run that may not go on is cut-ranges's affair.
  if ((await governor.standing(order)).kind !== 'free') return { rest: order.range };
  const context = await wiring.partContext(task, invocation, noProgress);
  const deadline = governor.deadline(order, context.deadline);
  const result = await findInRange({ ...context, deadline, queue, counted, lookup, margin: marginMillis }, order);
  const { rest, unsorted, tooLong, counts = noCounts } = result;
  report(task, counts);
  logger.info('range searched', { task, run, done: rest === undefined, unsorted, tooLong, ...counts });
  return result;
}

/** For machines of earlier versions, which call the function with its own answer until the segment is done. */
async function findUntilShort(input: FindObjectsState, invocation: Invocation): Promise<FindObjectsState> {
  const { waitSeconds: _waited, ...event } = input;
  const { run, task, counts: start = noCounts } = event;
  const standing = await governor.standing(event);
  if (standing.kind === 'cancelled') {
    // Nothing is deleted any more, so there is nothing to be checked.
    const counts = event.deletes === 'hold' ? { ...start, deletes: 0 } : start;
    return { ...event, counts, examples: [], done: true };
  }
  if (standing.kind === 'held') {
    return { ...event, done: false, waitSeconds: holdWaitSeconds(standing, Date.now(), Math.random()) };
  }
  const context = await wiring.partContext(task, invocation, noProgress);
  const deadline = governor.deadline(event, context.deadline);
  const state = await findSegment({ ...context, deadline, queue, lookup, margin: marginMillis }, event);
  const found = state.counts ?? noCounts;
  // A segment that restarted counts from 0 again, but a metric can only be added to.
  const added = found.listed >= start.listed ? subtractCounts(found, start) : found;
  report(task, added);
  logger.info('segment searched', { task, run, done: state.done, ...added });
  return state;
}

function report(task: string, { listed, listedAtDestination, jobs }: RunCounts): void {
  const tally = new Tally();
  tally.add(task, 'KeysListed', listed + listedAtDestination);
  tally.add(task, 'JobsFound', jobs);
  tally.publish();
}
