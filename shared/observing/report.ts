import type { Consumer } from '../transfer/consume-message.ts';
import { allTasks, unknownTask } from '../model/job.ts';
import type { Fault } from '../model/faults.ts';
import { faultDetails } from './fault-details.ts';
import { keyHash, logger, type Tally } from './tally.ts';

/** What a consumer of the queue reports about its messages: the same lines and metrics from Lambda and the worker. */
export function reports(tally: Tally): Pick<Consumer, 'onFault' | 'onCancelled' | 'onEventDone'> {
  return {
    onFault: (fault, { message, job, fate }) => {
      const task = job?.task ?? unknownTask;
      // Nothing is wrong, and every job of the task would write a line.
      if (fate === 'held') {
        tally.add(task, 'JobsHeld', 1);
        return;
      }
      if (fate === 'buried') tally.add(task, 'ObjectsFailed', 1);
      if (fate === 'postponed') for (const one of [task, allTasks]) tally.add(one, 'JobsPostponed', 1);
      const details = {
        task,
        // Not `message`: the logger writes the line's own text under that name.
        messageId: message,
        ...faultDetails(fault),
        ...(job && { keyHash: keyHash(job.key) }),
      };
      if (fate === 'buried') logger.error('failed', details);
      else logger.warn(`failed, ${fate}`, details);
    },
    onCancelled: (job) => tally.add(job.task, 'JobsCancelled', 1),
    onEventDone: (job, delayMillis) => tally.add(job.task, 'EventToDone', Math.max(0, delayMillis)),
  };
}

/** Ends of objects that may not have been counted. Their run counts in the ledger instead when it misses some. */
export function reportUncounted(fault: Fault, { task, run }: { readonly task: string; readonly run: string }): void {
  logger.warn('ends of objects were not counted', { task, run, ...faultDetails(fault) });
}
