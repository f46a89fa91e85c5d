import { DynamoRunCounters } from '../../shared/aws/dynamodb/run-counters.ts';
import { DynamoRunScan } from '../../shared/aws/dynamodb/run-scan.ts';
import { createMachineClient, createQueueClient, createTableClient } from '../../shared/aws/service-clients.ts';
import { SqsQueueDepth } from '../../shared/aws/sqs/queue-depth.ts';
import { SfnUploads } from '../../shared/aws/upload-executions.ts';
import type { DrainingRun } from '../../shared/model/messages/payloads.ts';
import { endedOf } from '../../shared/model/run-ends.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { lookAtRun, sentOf } from '../../shared/run/drain.ts';
import type { Belonging } from '../../shared/run/standing.ts';
import { logger } from '../../shared/observing/tally.ts';
import { readEnvironment } from '../environment.ts';
import { createGovernor, deadlineOf, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const table = createTableClient();
const governor = createGovernor(environment.LEDGER_TABLE, { obeysOnly: true });
const ports = {
  counters: new DynamoRunCounters(table, environment.LEDGER_TABLE),
  scan: new DynamoRunScan(table, environment.LEDGER_TABLE),
  queue: new SqsQueueDepth(createQueueClient(), environment.QUEUE_URL),
  uploads: new SfnUploads(createMachineClient(), environment.UPLOAD_MACHINE_ARN),
  clock: systemClock,
  giveUpAfterSeconds: Number(environment.GIVE_UP_AFTER_SECONDS),
};

/** Looks at how far the jobs of a run are. The machine calls it again, after a wait, until all of them have ended. */
export const handler = async (event: DrainingRun, invocation: Invocation): Promise<DrainingRun> => {
  const standing = (one: Belonging) => governor.standing(one);
  const drain = await lookAtRun({ ...ports, deadline: deadlineOf(invocation), standing }, event);
  const { task, run } = event;
  const { state, waitSeconds } = drain;
  logger.info('run checked', { task, run, state, sent: sentOf(event), ended: endedOf(drain.ends), waitSeconds });
  return { ...event, drain };
};
