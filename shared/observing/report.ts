import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Consumer } from '../transfer/consume-message.ts';
import { keyHash, logger, type Tally } from './tally.ts';

/** What a consumer of the queue tells of its messages: the same lines and metrics from Lambda and from the worker. */
export function reports(tally: Tally): Pick<Consumer, 'onFault' | 'onEventDone'> {
  return {
    onFault: (fault, { message, job, final }) => {
      const task = job?.task ?? '(unknown)';
      if (final) tally.add(task, 'ObjectsFailed', 1);
      const details = {
        task,
        // "message" is the line's own text to the logger.
        messageId: message,
        fault: fault.name,
        reason: fault.message,
        ...(job && { keyHash: keyHash(job.key) }),
      };
      if (final) logger.error('failed', details);
      else logger.warn('failed, comes back', details);
    },
    onEventDone: (job, delay) => tally.add(job.task, 'EventToDone', Math.max(0, delay), MetricUnit.Milliseconds),
  };
}
