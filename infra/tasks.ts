import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { tasksPathOf } from '../shared/model/parameter-paths.ts';
import type { Task } from '../shared/model/config/task.ts';
import { explainWildcard } from './wildcards.ts';

/** The tasks, one parameter each below one path, so that a task can be changed without a deployment. */
export class TaskParameters extends Construct {
  /** see {@link tasksPathOf} */
  readonly path: string;
  readonly tasks: readonly Task[];

  constructor(scope: Construct, id: string, tasks: readonly Task[]) {
    super(scope, id);
    this.path = tasksPathOf(Stack.of(this).stackName);
    this.tasks = tasks;
    for (const task of tasks) {
      new StringParameter(this, task.name, {
        parameterName: this.path + task.name,
        description: `S3 Ferry's task ${task.name}`,
        stringValue: JSON.stringify(task),
        // Parameter Store moves a value to the tier that its size needs, and refuses a template that moves it back.
        tier: ParameterTier.INTELLIGENT_TIERING,
      });
    }
  }

  /** Lets `role` read a task by name. */
  grantRead(role: Role): void {
    this.grant(role, 'ssm:GetParameter', `${this.path}*`);
    const reason = "the stack's own tasks, some of which are added without a deployment";
    explainWildcard(role, new RegExp(`:parameter${this.path}\\*$`), reason);
  }

  /** Lets `role` read all tasks at once. */
  grantReadAll(role: Role): void {
    this.grant(role, 'ssm:GetParametersByPath', this.path.replace(/\/$/, ''));
  }

  private grant(role: Role, action: string, name: string): void {
    const statement = new PolicyStatement({ actions: [action], resources: [parameterArn(this, name)] });
    role.addToPolicy(statement);
  }
}

/** The ARN of a parameter of this account and region; its name may begin with a slash. */
export function parameterArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') });
}
