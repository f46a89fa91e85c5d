import { Aws, Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/bucket-notifications/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';

/** Sets the notifications of existing buckets when the stack is deployed, and removes them with it. */
export class BucketNotificationsFunction extends FerryFunction {
  /** @param buckets the buckets whose notifications it may change */
  constructor(scope: Construct, id: string, pipeline: Pipeline, buckets: readonly string[]) {
    super(scope, id, pipeline, {
      name: 'bucket-notifications',
      description: "S3 Ferry: sets the source buckets' notifications",
      memory: 256,
      // A changed configuration becomes visible after a while: a few rounds of half a minute.
      timeout: Duration.minutes(5),
      environment: environmentOf(environmentKeys, {}),
    });
    if (buckets.length === 0) return;
    const statement = new PolicyStatement({
      actions: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
      resources: buckets.map((bucket) => `arn:${Aws.PARTITION}:s3:::${bucket}`),
    });
    this.role.addToPolicy(statement);
  }
}
