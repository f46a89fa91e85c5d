import type { Account } from '../account.ts';
import { AwsError } from '../http/exchange.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import type { S3Request } from '../options.ts';
import type { Queues } from '../sqs/queues.ts';
import type { Announcements } from '../states/announcements.ts';
import type { MachineActions } from '../states/executions.ts';
import { StepError } from '../states/step-error.ts';
import { arnOfFunction } from '../template/resource-types.ts';
import { refusalText, type Access } from './access.ts';
import { s3Calls } from './calls/s3.ts';
import { sqsCalls } from './calls/sqs.ts';

/** How the services of this process ask for permission, each for whom it acts. */

/** For the S3 server: whether a caller may do what a request asks for, or the message that refuses it. */
export function s3Authorization(access: Access, account: Account): (request: S3Request) => boolean | string {
  return (request) => {
    const caller = request.accessKeyId === undefined ? undefined : access.callerOf(request.accessKeyId);
    if (!caller) return false;
    for (const call of s3Calls(request, account)) {
      const refusal = access.refusal(caller, call);
      // S3 quotes the resource (S3 User Guide: Troubleshoot access denied (403 Forbidden) errors in Amazon S3).
      if (refusal) return refusalText({ ...refusal, resource: `"${refusal.resource}"` });
    }
    return true;
  };
}

/** A message of S3 for a queue. */
interface BucketMessage {
  readonly queueArn: string;
  readonly message: object;
}

/** @throws AwsError `AccessDenied` unless the policy of the queue lets S3 send the events of the bucket */
export function checkNotification(access: Access, account: Account, { queueArn, message }: BucketMessage): void {
  const { Bucket, Records } = message as { Bucket?: string; Records?: { s3: { bucket: { name: string } } }[] };
  const bucket = Bucket ?? Records?.[0]?.s3.bucket.name ?? '';
  const refusal = access.refusal(access.service('s3.amazonaws.com'), {
    action: 'sqs:SendMessage',
    resource: queueArn,
    context: {
      'aws:SourceArn': `arn:${account.partition}:s3:::${bucket}`,
      'aws:SourceAccount': account.accountId,
    },
  });
  if (refusal) throw new AwsError('AccessDenied', refusalText(refusal), 403);
}

/** What machines reach. */
interface MachineSurroundings {
  readonly runtime: Pick<LambdaRuntime, 'invoke'>;
  readonly queues: Pick<Queues, 'call'>;
  readonly announcements: Announcements;
}

/** Machines act in their roles. */
export function machineActions(
  access: Access,
  account: Account,
  { runtime, queues, announcements }: MachineSurroundings,
): MachineActions {
  return {
    invoke: async ({ role }, functionName, event) => {
      const resource = arnOfFunction(functionName, account);
      const refusal = access.refusal(role, { action: 'lambda:InvokeFunction', resource });
      if (!refusal) return runtime.invoke(functionName, event);
      // The error that such a step shows in an account, as in awslabs/aws-deployment-framework#460.
      const error = { errorType: 'Lambda.AWSLambdaException', errorMessage: refusalText(refusal) };
      return { ok: false, requestId: '', error };
    },
    // The names of its errors are not documented; assumed are the service's, after "SQS." as in its examples.
    send: async ({ role }, message) => {
      for (const call of sqsCalls('SendMessage', message as Record<string, unknown>, account)) {
        const refusal = access.refusal(role, call);
        if (refusal) throw new StepError('SQS.AmazonSQSException', refusalText(refusal));
      }
      try {
        return await queues.call('SendMessage', message);
      } catch (error) {
        if (error instanceof AwsError) throw new StepError('SQS.AmazonSQSException', `${error.name}: ${error.message}`);
        throw error;
      }
    },
    announce: (machine, kind, parameters) => announcements.announce(machine, kind, parameters),
    childrenRefused: ({ role, arn }) => {
      const refusal = access.refusal(role, { action: 'states:StartExecution', resource: arn });
      return refusal && refusalText(refusal);
    },
  };
}
