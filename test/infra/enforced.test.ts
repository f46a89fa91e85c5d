import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountIn } from '../../emulator/aws/account.ts';
import { permissionsOf } from '../../emulator/aws/deploy/permissions.ts';
import { refusalText, type Role } from '../../emulator/aws/iam/access.ts';
import { settingsOf } from '../../emulator/aws/options.ts';
import { openServices, type Services } from '../../emulator/aws/services.ts';
import { Teardown } from '../../emulator/aws/teardown.ts';
import { resolveStack, type ResolvedStack } from '../../emulator/aws/template/stack.ts';
import { parseTemplate } from '../../emulator/aws/template/template.ts';
import { openS3Server } from '../../emulator/s3/index.ts';
import { synthesize, type Template } from '../support/synthesize.ts';

/**
 * The template without one of its permissions: the call that needs it is refused, by the endpoint on which the stack
 * runs. With the whole template it is not.
 */

const account = accountIn('eu-south-2');
const directory = mkdtempSync(join(tmpdir(), 's3-ferry-enforced-'));
const teardown = new Teardown();
let services: Services;
let template: Template;

beforeAll(async () => {
  const task = {
    name: 'one',
    source: { bucket: 'from', prefix: 'in/' },
    destination: { bucket: 'into', prefix: 'out/' },
    events: 'create-delete',
    schedule: 'rate(1 day)',
  };
  template = synthesize({ configuration: { tasks: [task] } });
  const settings = settingsOf({
    port: 0,
    dataDirectory: directory,
    assemblyDirectory: '',
    region: account.region,
    credentials: { accessKeyId: 'admin', secretAccessKey: 'secret' },
    openS3: (surroundings) => openS3Server(surroundings),
  });
  services = await openServices(settings, teardown);
  for (const bucket of ['from', 'into']) await services.s3.createBucket(bucket);
}, 60_000);

afterAll(async () => {
  await teardown.run(1000);
  rmSync(directory, { recursive: true });
});

/** The template with an action taken out of every policy of a role. */
function without(role: string, action: string): Template {
  const copy = JSON.parse(JSON.stringify(template)) as Template;
  let removed = 0;
  for (const { Properties } of Object.values(copy.Resources)) {
    const { Roles = [], PolicyDocument } = Properties as {
      Roles?: { Ref: string }[];
      PolicyDocument?: { Statement: { Action: string | string[] }[] };
    };
    if (!Roles.some(({ Ref }) => Ref.startsWith(role))) continue;
    for (const statement of PolicyDocument?.Statement ?? []) {
      const actions = [statement.Action].flat();
      removed += actions.filter((one) => one === action).length;
      // A statement needs an action; this one exists nowhere.
      statement.Action = [...actions.filter((one) => one !== action), 'none:Nothing'];
    }
  }
  expect([role, action, removed > 0]).toEqual([role, action, true]);
  return copy;
}

function resolved(changed: Template): ResolvedStack {
  const assembly = {
    stackName: 'S3Ferry',
    template: parseTemplate(JSON.stringify(changed), 'template'),
    assetDirectory: () => undefined,
  };
  return resolveStack(assembly, account, services.gateway.endpoint);
}

/** Puts the permissions of a template into force. @returns the role whose name in the template begins so */
function enforce(changed: Template, role: string): Role {
  const permissions = permissionsOf(resolved(changed), account);
  services.access.deploy(permissions);
  const found = permissions.roles.find(({ name }) => name === `S3Ferry-${role}`);
  if (!found) throw new Error(`the template has no role ${role}`);
  return found;
}

async function errorOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => '',
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
  );
}

const arn = (service: string, resource: string): string =>
  `arn:aws:${service}:${account.region}:${account.accountId}:${resource}`;
/** The ARN of a queue, function or machine of the template. */
function deployedArn(name: string): string {
  const { resources } = resolved(template);
  const types = ['AWS::SQS::Queue', 'AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine'];
  return resources.find(({ type, logicalId }) => types.includes(type) && logicalId.startsWith(name))?.arn ?? name;
}

const queueUrl = (name: string): string => `${services.gateway.endpoint}/${account.accountId}/S3Ferry-Queues${name}`;
const item = { id: { S: 'one' } };
const TableName = 'S3Ferry-LedgerTable';

interface Send {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamo: DynamoDBClient;
  readonly states: SFNClient;
  readonly ssm: SSMClient;
}

it.each<[role: string, action: string, send: (clients: Send) => Promise<unknown>]>([
  [
    'PlanSyncRole',
    'ssm:GetParameter',
    ({ ssm }) => ssm.send(new GetParameterCommand({ Name: '/s3-ferry/S3Ferry/tasks/one' })),
  ],
  [
    'FindObjectsRole',
    's3:ListBucket',
    ({ s3 }) => s3.send(new ListObjectsV2Command({ Bucket: 'from', Prefix: 'in/a' })),
  ],
  [
    'FindObjectsRole',
    'sqs:SendMessage',
    ({ sqs }) =>
      sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl('Jobs'), Entries: [{ Id: 'a', MessageBody: 'x' }] })),
  ],
  ['CopyObjectsRole', 's3:GetObject', ({ s3 }) => s3.send(new GetObjectCommand({ Bucket: 'from', Key: 'in/a' }))],
  [
    'CopyObjectsRole',
    's3:PutObject',
    ({ s3 }) => s3.send(new PutObjectCommand({ Bucket: 'into', Key: 'out/a', Body: 'x' })),
  ],
  [
    'CopyObjectsRole',
    's3:PutObjectTagging',
    ({ s3 }) => s3.send(new PutObjectCommand({ Bucket: 'into', Key: 'out/a', Body: 'x', Tagging: 'a=1' })),
  ],
  [
    'CopyObjectsRole',
    's3:DeleteObject',
    ({ s3 }) => s3.send(new DeleteObjectCommand({ Bucket: 'into', Key: 'out/a' })),
  ],
  [
    'CopyObjectsRole',
    'states:StartExecution',
    ({ states }) => states.send(new StartExecutionCommand({ stateMachineArn: deployedArn('UploadMachine') })),
  ],
  [
    'PlanUploadRole',
    's3:PutObject',
    ({ s3 }) => s3.send(new CreateMultipartUploadCommand({ Bucket: 'into', Key: 'out/a' })),
  ],
  [
    'PlanUploadRole',
    'dynamodb:UpdateItem',
    ({ dynamo }) => dynamo.send(new UpdateItemCommand({ TableName, Key: item })),
  ],
  [
    'AbandonUploadRole',
    's3:AbortMultipartUpload',
    ({ s3 }) => s3.send(new AbortMultipartUploadCommand({ Bucket: 'into', Key: 'out/a', UploadId: 'gone' })),
  ],
  ['FinishRunRole', 'dynamodb:PutItem', ({ dynamo }) => dynamo.send(new PutItemCommand({ TableName, Item: item }))],
])('%s needs %s', async (role, action, send) => {
  for (const changed of [template, without(role, action)]) {
    const { arn: roleArn } = enforce(changed, role);
    const credentials = services.access.credentialsFor(services.access.assume(roleArn, 'lambda.amazonaws.com', 'test'));
    const settings = { endpoint: services.gateway.endpoint, region: account.region, credentials, maxAttempts: 1 };
    const clients: Send = {
      s3: new S3Client({ ...settings, forcePathStyle: true }),
      sqs: new SQSClient(settings),
      dynamo: new DynamoDBClient(settings),
      states: new SFNClient(settings),
      ssm: new SSMClient(settings),
    };
    const error = await errorOf(send(clients));
    for (const client of Object.values(clients) as { destroy: () => void }[]) client.destroy();
    // Most of what is asked for does not exist, which is no matter of permissions.
    const refused =
      /^AccessDenied(?:Exception)?: User: \S+:assumed-role\/\S+ is not authorized to perform: (\S+) /.exec(error);
    expect([error, refused?.[1]?.toLowerCase()]).toEqual([
      error,
      changed === template ? undefined : action.toLowerCase(),
    ]);
  }
});

/** What services do in a role of the stack, without a request: the resource by the beginning of its logical ID. */
it.each<[role: string, service: string, action: string, resource: string]>([
  ['SyncMachineRole', 'states', 'lambda:InvokeFunction', 'PlanSyncHandler'],
  ['UploadMachineRole', 'states', 'lambda:InvokeFunction', 'UploadPartsHandler'],
  ['UploadMachineRole', 'states', 'states:StartExecution', 'UploadMachine'],
  ['UploadMachineRole', 'states', 'sqs:SendMessage', 'QueuesDeadLetters'],
  ['SyncMachineEventsRole', 'events', 'states:StartExecution', 'SyncMachine'],
  ['CopyObjectsRole', 'lambda', 'sqs:ReceiveMessage', 'QueuesJobs'],
  ['CopyObjectsRole', 'lambda', 'sqs:DeleteMessage', 'QueuesJobs'],
  ['CopyObjectsRole', 'lambda', 'sqs:GetQueueAttributes', 'QueuesJobs'],
  ['CopyObjectsRole', 'lambda', 'sqs:ReceiveMessage', 'QueuesEvents'],
  ['CopyObjectsRole', 'lambda', 'sqs:DeleteMessage', 'QueuesEvents'],
  ['CopyObjectsRole', 'lambda', 'sqs:GetQueueAttributes', 'QueuesEvents'],
])('%s, in which %s acts, needs %s on %s', (role, service, action, name) => {
  for (const changed of [template, without(role, action)]) {
    const source = arn('states', 'stateMachine:any');
    const caller = services.access.assume(enforce(changed, role).arn, `${service}.amazonaws.com`, 'test', source);
    const refusal = services.access.refusal(caller, { action, resource: deployedArn(name) });
    const text = expect.stringMatching(`is not authorized to perform: ${action} on resource`) as unknown;
    expect(refusal && refusalText(refusal)).toEqual(changed === template ? undefined : text);
  }
});
