import { DynamoLedgerLookup } from '../../shared/aws/dynamodb/ledger-lookup.ts';
import { createQueueClient, createTableClient } from '../../shared/aws/service-clients.ts';
import { SqsJobQueue } from '../../shared/aws/sqs/job-queue.ts';
import type { FindObjectsState } from '../../shared/model/messages/payloads.ts';
import { findSegment } from '../../shared/find/find-segment.ts';
import { noCounts, subtractCounts } from '../../shared/model/run-counts.ts';
import { holdWaitSeconds } from '../../shared/run/standing.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { readEnvironment } from '../environment.ts';
import { logger, Tally } from '../../shared/observing/tally.ts';
import { createGovernor, TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);
const queue = new SqsJobQueue(createQueueClient(), environment.QUEUE_URL);
const lookup = new DynamoLedgerLookup(createTableClient(), environment.LEDGER_TABLE);

const governor = createGovernor(environment.LEDGER_TABLE, { obeysOnly: true });

governor.readTasks((name) => wiring.parameters.task(name));

/** Time kept back to send the last jobs and to answer. */
const marginMillis = 20_000;

/**
 * Lists one segment on both sides, compares, and sends jobs. The machine calls it again until the segment is done. A
 * run that is paused waits, and the segments of one that is cancelled are done.
 */
export const handler = async (input: FindObjectsState, invocation: Invocation): Promise<FindObjectsState> => {
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
  const tally = new Tally();
  tally.add(task, 'KeysListed', added.listed + added.listedAtDestination);
  tally.add(task, 'JobsFound', added.jobs);
  tally.publish();
  logger.info('segment searched', { task, run, done: state.done, ...added });
  return state;
};
