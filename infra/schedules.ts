import { createHash } from 'node:crypto';
import { NestedStack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Task } from '../shared/model/config/task.ts';
import { quotas } from './quotas/quotas.ts';

/** Tasks with a rule each. With more of them, tasks with the same schedule share rules. */
const singleRules = 50;
/**
 * Rules in the stack itself. With more of them, the resources of 200 tasks would not fit, and a nested stack has them.
 */
const stackRules = 80;

/** What one rule starts, and when. */
interface TaskRule {
  readonly id: string;
  readonly schedule: string;
  readonly tasks: readonly string[];
}

export interface TaskSchedulesProps {
  readonly tasks: readonly Task[];
  readonly sync: StateMachine;
  /** receives the starts that failed */
  readonly missed: IQueue;
}

/**
 * Rules that start the runs of tasks with a schedule. A rule has no state and no name of its own: when it moves, a run
 * starts once too often at most.
 */
export class TaskSchedules extends Construct {
  constructor(scope: Construct, id: string, { tasks, sync, missed }: TaskSchedulesProps) {
    super(scope, id);
    const rules = rulesOf(tasks);
    const place = rules.length > stackRules ? new NestedStack(this, 'Rules') : this;
    for (const { id: ruleId, schedule, tasks: names } of rules) {
      new Rule(place, ruleId, {
        description: `S3 Ferry: runs ${names.length === 1 ? 'task' : 'tasks'} ${names.join(', ')}`.slice(0, 512),
        schedule: Schedule.expression(schedule),
        targets: names.map((name) => {
          const input = RuleTargetInput.fromObject({ task: name });
          return new SfnStateMachine(sync, { input, deadLetterQueue: missed });
        }),
      });
    }
  }
}
/** One rule for each task, or for as many tasks of one schedule as a rule may have targets. */
export function rulesOf(tasks: readonly Task[]): TaskRule[] {
  const scheduled = tasks.flatMap(({ name, schedule, enabled }) =>
    schedule === undefined || enabled === false ? [] : [{ name, schedule }],
  );
  if (scheduled.length <= singleRules) {
    return scheduled.map(({ name, schedule }) => ({ id: name, schedule, tasks: [name] }));
  }
  return [...Map.groupBy(scheduled, ({ schedule }) => schedule)].flatMap(([schedule, alike]) => {
    const names = alike.map(({ name }) => name);
    const hash = createHash('sha256').update(schedule).digest('hex').slice(0, 12);
    const each = quotas.targetsPerRule.limit;
    return Array.from({ length: Math.ceil(names.length / each) }, (_, index) => ({
      id: `Every${hash}-${index + 1}`,
      schedule,
      tasks: names.slice(index * each, (index + 1) * each),
    }));
  });
}
