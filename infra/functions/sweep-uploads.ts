import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/sweep-uploads/environment.ts';
import { sweptAfterDays } from '../../shared/model/limits.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { uploadActions } from '../sides.ts';

/** Aborts multipart uploads of this stack that were abandoned, and looks whether source buckets still send events. */
export class SweepUploads extends FerryFunction {
  /** @param missed receives the starts that failed */
  constructor(scope: Construct, id: string, pipeline: Pipeline, missed: IQueue) {
    super(scope, id, pipeline, {
      name: 'sweep-uploads',
      description: 'S3 Ferry: aborts uploads that were left behind, looks after notifications',
      memory: 512,
      timeout: Duration.minutes(15),
      environment: environmentOf(environmentKeys, {
        TASKS_PATH: pipeline.tasks.path,
        LEDGER_TABLE: pipeline.ledger.table.tableName,
        OLDER_THAN_DAYS: String(sweptAfterDays),
        EVENTS_QUEUE_ARN: pipeline.queues.events.queueArn,
      }),
      sides: {
        source: { notification: true },
        destination: { uploads: true, objects: () => uploadActions },
      },
    });
    pipeline.tasks.grantRead(this.role);
    pipeline.tasks.grantReadAll(this.role);
    pipeline.ledger.grantRead(this.role);
    new Rule(this, 'Daily', {
      description: 'S3 Ferry: looks for uploads that were left behind',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new LambdaFunction(this.function, { deadLetterQueue: missed })],
    });
  }
}
