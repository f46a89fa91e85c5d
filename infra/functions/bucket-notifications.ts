import { createHash } from 'node:crypto';
import { Aws, Duration } from 'aws-cdk-lib';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { environmentKeys } from '../../functions/bucket-notifications/environment.ts';
import { environmentOf, FerryFunction, type Pipeline } from '../function.ts';
import { managedPolicies } from '../policies.ts';

/** Sets the notifications of existing buckets when the stack is deployed, and removes them with it. */
export class BucketNotificationsFunction extends FerryFunction {
  constructor(scope: Construct, id: string, pipeline: Pipeline) {
    super(scope, id, pipeline, {
      name: 'bucket-notifications',
      description: "S3 Ferry: sets the source buckets' notifications",
      memory: 256,
      // A changed configuration becomes visible after a while: a few rounds of half a minute.
      timeout: Duration.minutes(5),
      environment: environmentOf(environmentKeys, {}),
    });
  }

  /**
   * Lets it change the notifications of `buckets`. Their custom resource must depend on the policies: when buckets
   * leave the configuration, CloudFormation makes new policies first, lets the function remove the notifications, and
   * deletes the old policies last. So a policy never changes: its name is made of what it allows.
   * @returns the policies, which fit into the quotas of IAM for 200 buckets; one for each bucket would not
   */
  allow(buckets: readonly { readonly bucket: string; readonly owner?: string }[]): ManagedPolicy[] {
    const accesses = buckets.map(({ bucket, owner }) => ({
      actions: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
      resources: [`arn:${Aws.PARTITION}:s3:::${bucket}`],
      conditions: { StringEquals: { 'aws:ResourceAccount': owner ?? Aws.ACCOUNT_ID } },
    }));
    const content = JSON.stringify(buckets.map(({ bucket, owner }) => [bucket, owner]).sort());
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    return managedPolicies(this.role, `Buckets${hash}`, accesses);
  }
}
