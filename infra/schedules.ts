import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Task } from '../shared/model/config/task.ts';

/** For each task with a schedule, a rule that starts its runs. */
export class TaskSchedules extends Construct {
  constructor(scope: Construct, id: string, tasks: readonly Task[], sync: StateMachine) {
    super(scope, id);
    for (const { name, schedule } of tasks) {
      if (schedule === undefined) continue;
      new Rule(this, name, {
        description: `S3 Ferry: runs task ${name}`,
        schedule: Schedule.expression(schedule),
        targets: [new SfnStateMachine(sync, { input: RuleTargetInput.fromObject({ task: name }) })],
      });
    }
  }
}
