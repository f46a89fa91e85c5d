import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import type { Pipeline } from '../function.ts';
import { grantSend } from '../queue.ts';
import { copySides, grantSides } from '../sides.ts';
import { explainWildcard } from '../wildcards.ts';

/** The role of a worker's instance: the calls of its processes, and what an operator needs to inspect it. */
export function workerRole(scope: Construct, pipeline: Pipeline, code: Asset, logs: LogGroup): Role {
  const { tasks, ledger, queues } = pipeline;
  // In China the service principal of EC2 has another suffix.
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal(`ec2.${Aws.URL_SUFFIX}`) });
  tasks.grantRead(role);
  // An S3 event names a bucket, not a task.
  tasks.grantReadAll(role);
  ledger.grantEntries(role);
  grantSend(queues.deadLetters, role);
  grantSides(role, tasks.tasks, copySides);
  const statements = [
    new PolicyStatement({
      actions: [
        'sqs:ReceiveMessage',
        'sqs:DeleteMessage',
        'sqs:ChangeMessageVisibility',
        // A message that was held for hours, or interrupted on its last delivery, continues as a new one.
        'sqs:SendMessage',
      ],
      resources: [queues.jobs.queueArn, queues.events.queueArn],
    }),
    new PolicyStatement({
      actions: ['s3:GetObject'],
      resources: [`arn:${Aws.PARTITION}:s3:::${code.s3BucketName}/${code.s3ObjectKey}`],
      conditions: { StringEquals: { 'aws:ResourceAccount': Aws.ACCOUNT_ID } },
    }),
    // Where the CDK was bootstrapped with a key of the account, the code is encrypted with it.
    new PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: [`arn:${Aws.PARTITION}:kms:${Aws.REGION}:${Aws.ACCOUNT_ID}:key/*`],
      conditions: {
        StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.${Aws.URL_SUFFIX}` },
        StringLike: {
          'kms:EncryptionContext:aws:s3:arn': ['', '/*'].map(
            (end) => `arn:${Aws.PARTITION}:s3:::${code.s3BucketName}${end}`,
          ),
        },
      },
    }),
    // The agent describes its stream before it writes. The ARN ends with ":*", for the streams.
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [logs.logGroupArn],
    }),
    // Session Manager, and no other part of Systems Manager.
    new PolicyStatement({
      actions: [
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ],
      resources: ['*'],
    }),
  ];
  for (const statement of statements) role.addToPolicy(statement);
  explainWildcard(role, /^\*$/, 'the calls of Session Manager have no resource');
  return role;
}
