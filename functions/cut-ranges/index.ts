import { createQueueClient } from '../../shared/aws/service-clients.ts';
import { SqsQueueDepth } from '../../shared/aws/sqs/queue-depth.ts';
import type { FindState } from '../../shared/model/messages/payloads.ts';
import { cutRanges } from '../../shared/find/cut-ranges.ts';
import type { Belonging } from '../../shared/run/standing.ts';
import { noProgress } from '../../shared/ports/progress.ts';
import { readEnvironment } from '../environment.ts';
import { logger } from '../../shared/observing/tally.ts';
import { createGovernor, TaskWiring, type Invocation } from '../wiring.ts';
import { environmentKeys } from './environment.ts';

const environment = readEnvironment(environmentKeys);
const wiring = new TaskWiring(environment.TASKS_PATH);
const governor = createGovernor(environment.LEDGER_TABLE, { obeysOnly: true });

governor.readTasks((name) => wiring.parameters.task(name));

const counted = new SqsQueueDepth(createQueueClient(), environment.QUEUE_URL);
const finders = Number(environment.FINDERS);

/** The step of the SYNC machine before and after each round of finders: cuts what is left of the keys into ranges. */
export const handler = async (event: FindState, invocation: Invocation): Promise<FindState> => {
  const context = await wiring.partContext(event.task, invocation, noProgress);
  const state = await cutRanges(
    { ...context, finders, counted, standing: (run: Belonging) => governor.standing(run) },
    event,
  );
  const { task, run, next, work = [], progress } = state;
  logger.info('ranges cut', {
    task,
    run,
    next,
    ranges: work.length,
    rounds: progress?.rounds,
    probes: progress?.probes,
  });
  return state;
};
