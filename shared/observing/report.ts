import type { Consumer } from '../transfer/consume-message.ts';
import { unknownTask } from '../model/job.ts';
import { faultDetails } from './fault-details.ts';
import { keyHash, logger, type Tally } from './tally.ts';

/** What a consumer of the queue reports about its messages: the same lines and metrics from Lambda and the worker. */
export function reports(tally: Tally): Pick<Consumer, 'onFault' | 'onEventDone'> {
  return {
    onFault: (fault, { message, job, final }) => {
      const task = job?.task ?? unknownTask;
      if (final) tally.add(task, 'ObjectsFailed', 1);
      const details = {
        task,
        // Not `message`: the logger writes the line's own text under that name.
        messageId: message,
        ...faultDetails(fault),
        ...(job && { keyHash: keyHash(job.key) }),
      };
      if (final) logger.error('failed', details);
      else logger.warn('failed, comes back', details);
    },
    onEventDone: (job, delayMillis) => tally.add(job.task, 'EventToDone', Math.max(0, delayMillis)),
  };
}
