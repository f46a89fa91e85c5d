import { allTasks } from '../model/job.ts';
import type { GovernorOptions } from '../run/governor.ts';
import { faultDetails } from './fault-details.ts';
import { logger, Tally } from './tally.ts';

/** What a governor reports: the same lines and metrics from Lambda and the worker. */
export const governing: Required<Pick<GovernorOptions, 'onFault' | 'onSide' | 'codeOf'>> = {
  onFault: (task, fault) => {
    logger.error('what holds back a task cannot be read or written; work goes on as before', {
      task,
      ...faultDetails(fault),
      reason: fault.message,
    });
  },
  onSide: ({ task, side, kind, breaker }) => {
    const { fault, code, since } = breaker;
    const details = { task, side, fault, ...(code !== undefined && { code }), since: new Date(since).toISOString() };
    if (kind === 'closed') {
      logger.info('a side of a task works again', details);
      return;
    }
    logger.error(`a side of a task ${kind === 'opened' ? 'fails; its jobs wait' : 'still fails'}`, details);
    const tally = new Tally();
    for (const one of [task, allTasks]) tally.add(one, 'SideFailing', 1);
    tally.publish();
  },
  codeOf: (fault) => faultDetails(fault).code,
};
