import { afterAll, beforeAll } from '@jest/globals';
import { join } from 'node:path';
import { startEmulator, type Emulator, type EmulatorOptions, type ServiceFaultHook } from '../../aws/index.ts';
import { openS3Server } from '../../s3/index.ts';
import { scratch, writeAssembly } from './assembly.ts';

/** A stack with one resource of each kind, deployed before the tests of a file and stopped after them. */

export const directory = scratch();
/** What the schedule of the stack starts. */
const scheduled = { Id: 'a', Arn: { Ref: 'Machine' }, RoleArn: { 'Fn::GetAtt': ['AnyRole', 'Arn'] }, Input: '{}' };
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
/** A table with an index, as CreateTable takes it. */
export const ledgerProperties = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: ['id', 'task'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byTask',
      KeySchema: [{ AttributeName: 'task', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
};
const assemblyDirectory = writeAssembly(join(directory.path, 'cdk.out'), {
  functions: {
    Take: {
      // Fails messages that begin with "fail"; returns all bodies received so far for any other event.
      code: `const seen = [];
        export const handler = async (event) => {
          if (!event.Records) return seen;
          seen.push(...event.Records.map(({ body }) => body));
          const failed = event.Records.filter(({ body }) => body.startsWith('fail'));
          return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
        };`,
      properties: { Environment: { Variables: { QUEUE_URL: { Ref: 'Jobs' }, MACHINE_ARN: { Ref: 'Machine' } } } },
    },
    Wait: { code: 'export const handler = () => new Promise(() => setInterval(() => undefined, 1000));' },
    Notify: {
      code: `export { handler } from ${JSON.stringify(join(import.meta.dirname, 'notify-function.ts'))};`,
    },
    Double: {
      code: `export const handler = async (event) => {
          if (event.bad) throw Object.assign(new Error('no'), { name: 'InvalidInput' });
          return event.n * 2;
        };`,
    },
  },
  resources: {
    Dead: { Type: 'AWS::SQS::Queue', Properties: {} },
    Jobs: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        VisibilityTimeout: 5400,
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 2 },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Jobs', 'Arn'] },
        FunctionName: { Ref: 'Take' },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
    Ledger: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        ...ledgerProperties,
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    },
    Task: {
      Type: 'AWS::SSM::Parameter',
      Properties: { Name: '/ferry/tasks/one', Type: 'String', Value: '{"name":"one"}' },
    },
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        DefinitionString: {
          'Fn::Join': [
            '',
            [
              '{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","SecondsPath":"$.wait","Next":"Double"},',
              '"Double":{"Type":"Task","Resource":"arn:',
              { Ref: 'AWS::Partition' },
              ':states:::lambda:invoke","Parameters":{"FunctionName":"',
              { 'Fn::GetAtt': ['Double', 'Arn'] },
              '","Payload.$":"$"},"OutputPath":"$.Payload","End":true}}}',
            ],
          ],
        },
        RoleArn: { 'Fn::GetAtt': ['AnyRole', 'Arn'] },
      },
    },
    JobsPolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Jobs' }],
        PolicyDocument: {
          Statement: {
            Effect: 'Allow',
            Principal: { Service: 's3.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: { 'Fn::GetAtt': ['Jobs', 'Arn'] },
          },
        },
      },
    },
    Notifications: {
      Type: 'Custom::BucketNotifications',
      Properties: {
        ServiceToken: { 'Fn::GetAtt': ['Notify', 'Arn'] },
        BucketName: 'source',
        QueueArn: { 'Fn::GetAtt': ['Jobs', 'Arn'] },
      },
    },
    Schedule: {
      Type: 'AWS::Events::Rule',
      Properties: { ScheduleExpression: 'rate(1 hour)', Targets: [scheduled] },
    },
  },
  outputs: {
    Machine: { Value: { Ref: 'Machine' } },
    Jobs: { Value: { Ref: 'Jobs' } },
    Dead: { Value: { Ref: 'Dead' } },
  },
});

/** The faults to inject; a test that sets the hook resets it. */
export const faults: { hook: ServiceFaultHook } = { hook: () => undefined };

export const options: EmulatorOptions = {
  port: 0,
  dataDirectory: join(directory.path, 'data'),
  assemblyDirectory,
  credentials,
  buckets: ['source'],
  retryDelaySeconds: 0,
  fault: (request) => faults.hook(request),
  openS3: (surroundings) => openS3Server(surroundings),
};

type Client<T> = new (config: { endpoint: string; region: string; credentials: typeof credentials }) => T;

export interface Fixture {
  readonly aws: Emulator;
  /** An SDK client of the deployment; destroyed after the tests. */
  readonly client: <T extends { destroy: () => void }>(Client: Client<T>) => T;
}

/** Deploys the stack around the tests of the calling file. */
export function deployed(): Fixture {
  let started: Emulator | undefined;
  const clients: { destroy: () => void }[] = [];
  beforeAll(async () => {
    started = await startEmulator(options);
  });
  afterAll(async () => {
    for (const made of clients) made.destroy();
    await started?.stop();
    directory.remove();
  });
  return {
    get aws() {
      return started!;
    },
    client: (Client) => {
      const made = new Client({ endpoint: started!.endpoint, region: started!.region, credentials });
      clients.push(made);
      return made;
    },
  };
}
