import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { Task } from '../shared/model/config/task.ts';
import { explainWildcard } from './wildcards.ts';

/** Parameter Store: bytes of a value in the standard tier, which costs nothing. */
const standardTierBytes = 4096;

/** The tasks as parameters, one each under a path, so that a task can be changed without a deployment. */
export class TaskParameters extends Construct {
  /** `/s3-ferry/<stack>/tasks/`; a task's name follows */
  readonly path: string;
  readonly tasks: readonly Task[];

  constructor(scope: Construct, id: string, tasks: readonly Task[]) {
    super(scope, id);
    this.path = `/s3-ferry/${Stack.of(this).stackName}/tasks/`;
    this.tasks = tasks;
    for (const task of tasks) {
      const value = JSON.stringify(task);
      new StringParameter(this, task.name, {
        parameterName: this.path + task.name,
        description: `S3 Ferry's task ${task.name}`,
        stringValue: value,
        tier: Buffer.byteLength(value) > standardTierBytes ? ParameterTier.ADVANCED : ParameterTier.STANDARD,
      });
    }
  }

  /** Lets `role` read a task by its name. */
  grantRead(role: Role): void {
    this.grant(role, 'ssm:GetParameter', `${this.path}*`);
    const reason = "the stack's own tasks, of which some are added without a deployment";
    explainWildcard(role, /:parameter\/s3-ferry\/[^/]+\/tasks\/\*$/, reason);
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

/** The ARN of a parameter of this account and region; its name may begin with a slash or not. */
export function parameterArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') });
}
