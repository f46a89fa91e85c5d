const versions = 'the endpoint has no versions of objects';
const aliases = "the CDK's own grant covers versions of the function too; a machine calls the function itself";
const children =
  'Step Functions itself watches, stops and redrives the children of a distributed map; the endpoint asks only for the start';
const former = 'for workers of an earlier version, which go on while a stack is updated';
const old = 'only for uploads that are several days old: test/shared/transfer/upload/sweep-uploads.test.ts';

/** Permissions that test/e2e/permissions.test.ts does not always need, with the reason why each is granted. */
export const unneeded: Readonly<Record<string, string>> = {
  'S3Ferry-CheckUploadRole s3:GetObjectVersion s3:from/in/*': versions,
  'S3Ferry-CopyObjectsRole s3:GetObjectVersion s3:from/in/*': versions,
  'S3Ferry-CopyObjectsRole s3:GetObjectVersionTagging s3:from/in/*': versions,
  'S3Ferry-PlanUploadRole s3:GetObjectVersion s3:from/in/*': versions,
  'S3Ferry-PlanUploadRole s3:GetObjectVersionTagging s3:from/in/*': versions,
  'S3Ferry-UploadPartsRole s3:GetObjectVersion s3:from/in/*': versions,
  'S3Ferry-CheckUploadRole dynamodb:GetItem dynamodb:table/S3Ferry-LedgerTable':
    'only if another caller claims the upload while it is completed: test/contract/ledger.ts',
  'S3Ferry-AbandonUploadRole dynamodb:PutItem dynamodb:table/S3Ferry-LedgerTable': former,
  'S3Ferry-CheckUploadRole dynamodb:PutItem dynamodb:table/S3Ferry-LedgerTable': former,
  'S3Ferry-CopyObjectsRole dynamodb:PutItem dynamodb:table/S3Ferry-LedgerTable': former,
  'S3Ferry-PlanUploadRole dynamodb:PutItem dynamodb:table/S3Ferry-LedgerTable': former,
  'S3Ferry-CheckRunRole dynamodb:Scan dynamodb:table/S3Ferry-LedgerTable':
    'only if a process died before it counted what had ended: test/shared/run/drain.test.ts',
  'S3Ferry-CheckRunRole states:ListExecutions states:stateMachine:S3Ferry-UploadMachine6B49C60E':
    'only if the queue is empty before all jobs of a run have ended',
  'S3Ferry-CopyObjectsRole sqs:GetQueueUrl sqs:S3Ferry-QueuesJobs': "the CDK's own grant for an event source mapping",
  'S3Ferry-CopyObjectsRole sqs:GetQueueUrl sqs:S3Ferry-QueuesEvents': "the CDK's own grant for an event source mapping",
  'S3Ferry-PlanUploadRole s3:DeleteObject s3:into/out/*':
    'only if an object is found to be gone before the event of its deletion is handled',
  'S3Ferry-PlanSyncRole states:DescribeExecution states:execution:S3Ferry-SyncMachine41DE6A54:*':
    'only if another run of the task was admitted before: test/functions/handlers.test.ts',
  'S3Ferry-SweepUploadsRole ssm:GetParameter ssm:parameter/s3-ferry/S3Ferry/tasks/*':
    'only if a task is not among all that were read together: test/shared/aws/parameters.test.ts',
  'sqs:S3Ferry-QueuesJobs sqs:SendMessage sqs:S3Ferry-QueuesJobs':
    'only for what S3 sends by the notifications of a former version (docs/decisions/0041-a-queue-for-events.md)',
  'S3Ferry-CutRangesRole s3:ListBucket s3:into':
    'only where ranges have keys left that are cut: test/shared/find/runs.test.ts',
  'S3Ferry-SyncMachineRole lambda:InvokeFunction lambda:function:S3Ferry-CutRangesHandler:*': aliases,
  'S3Ferry-SyncMachineRole states:DescribeExecution states:execution:S3Ferry-SyncMachine41DE6A54:*': children,
  'S3Ferry-SyncMachineRole states:RedriveExecution states:execution:S3Ferry-SyncMachine41DE6A54/*:*': children,
  'S3Ferry-SyncMachineRole states:StartExecution states:stateMachine:S3Ferry-SyncMachine41DE6A54':
    'only for long rounds of finders, which have executions of their own: test/machines/sync.test.ts',
  'S3Ferry-SyncMachineRole states:StopExecution states:execution:S3Ferry-SyncMachine41DE6A54:*': children,
  'S3Ferry-UploadPartsRole dynamodb:UpdateItem dynamodb:table/S3Ferry-LedgerTable':
    'only if a side fails again and again, which opens its breaker: test/e2e/failing-side.test.ts',
  'S3Ferry-SweepUploadsRole dynamodb:GetItem dynamodb:table/S3Ferry-LedgerTable': old,
  'S3Ferry-SweepUploadsRole s3:AbortMultipartUpload s3:into/out/*': old,
  'S3Ferry-SweepUploadsRole s3:ListMultipartUploadParts s3:into/out/*': old,
  'S3Ferry-SyncMachineRole lambda:InvokeFunction lambda:function:S3Ferry-CheckDeletesHandler:*': aliases,
  'S3Ferry-SyncMachineRole lambda:InvokeFunction lambda:function:S3Ferry-CheckRunHandler:*': aliases,
  'S3Ferry-SyncMachineRole lambda:InvokeFunction lambda:function:S3Ferry-FindObjectsHandler:*': aliases,
  'S3Ferry-SyncMachineRole lambda:InvokeFunction lambda:function:S3Ferry-FinishRunHandler:*': aliases,
  'S3Ferry-SyncMachineRole lambda:InvokeFunction lambda:function:S3Ferry-PlanSyncHandler:*': aliases,
  'S3Ferry-UploadMachineRole lambda:InvokeFunction lambda:function:S3Ferry-AbandonUploadHandler:*': aliases,
  'S3Ferry-UploadMachineRole lambda:InvokeFunction lambda:function:S3Ferry-CheckUploadHandler:*': aliases,
  'S3Ferry-UploadMachineRole lambda:InvokeFunction lambda:function:S3Ferry-PlanUploadHandler:*': aliases,
  'S3Ferry-UploadMachineRole lambda:InvokeFunction lambda:function:S3Ferry-UploadPartsHandler:*': aliases,
  'S3Ferry-UploadMachineRole sqs:SendMessage sqs:S3Ferry-QueuesDeadLetters':
    'only if abandon-upload fails for as long as it is retried: test/machines/upload.test.ts',
  'S3Ferry-UploadMachineRole states:DescribeExecution states:execution:S3Ferry-UploadMachine6B49C60E:*': children,
  'S3Ferry-UploadMachineRole states:RedriveExecution states:execution:S3Ferry-UploadMachine6B49C60E/*:*': children,
  'S3Ferry-UploadMachineRole states:StopExecution states:execution:S3Ferry-UploadMachine6B49C60E:*': children,
  'sqs:S3Ferry-MissedQueue sqs:SendMessage sqs:S3Ferry-MissedQueue':
    'EventBridge itself sends what a rule could not start; a schedule of the endpoint always starts its target',
};
