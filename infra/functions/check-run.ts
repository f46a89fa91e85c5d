import { Duration } from 'aws-cdk-lib';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/check-run/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';

/** Looks whether the objects of a run have ended. */
export class CheckRun extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline, uploads: StateMachine) {
    super(scope, id, pipeline, {
      name: 'check-run',
      description: 'S3 Ferry: looks how far the jobs of a run are',
      memory: 512,
      // A count in the ledger goes on in the next call.
      timeout: Duration.minutes(5),
      environment: environmentOf(environmentKeys, {
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        QUEUE_URL: pipeline.queues.jobs.queueUrl,
        UPLOAD_MACHINE_ARN: uploads.stateMachineArn,
        GIVE_UP_AFTER_SECONDS: String(pipeline.settings.giveUpAfterHours * 3600),
      }),
    });
    pipeline.ledger.grantCounts(this.role);
    const { queueArn } = pipeline.queues.jobs;
    this.role.addToPolicy(new PolicyStatement({ actions: ['sqs:GetQueueAttributes'], resources: [queueArn] }));
    const resources = [uploads.stateMachineArn];
    this.role.addToPolicy(new PolicyStatement({ actions: ['states:ListExecutions'], resources }));
  }
}
