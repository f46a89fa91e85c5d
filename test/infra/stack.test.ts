import { beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { environmentKeys as abandonUpload } from '../../functions/abandon-upload/environment.ts';
import { environmentKeys as checkUpload } from '../../functions/check-upload/environment.ts';
import { environmentKeys as copyObjects } from '../../functions/copy-objects/environment.ts';
import { environmentKeys as findObjects } from '../../functions/find-objects/environment.ts';
import { environmentKeys as finishRun } from '../../functions/finish-run/environment.ts';
import { environmentKeys as planSync } from '../../functions/plan-sync/environment.ts';
import { environmentKeys as planUpload } from '../../functions/plan-upload/environment.ts';
import { environmentKeys as uploadParts } from '../../functions/upload-parts/environment.ts';
import { maxReceives } from '../../shared/model/limits.ts';
import { parseTask } from '../../shared/model/task.ts';
import { serviceName } from './permissions.ts';
import { functionNames, plain, resourcesOf, synthesize, type Template } from './synthesize.ts';

const environments: Readonly<Record<string, readonly string[]>> = {
  'abandon-upload': abandonUpload,
  'check-upload': checkUpload,
  'copy-objects': copyObjects,
  'find-objects': findObjects,
  'finish-run': finishRun,
  'plan-sync': planSync,
  'plan-upload': planUpload,
  'upload-parts': uploadParts,
};

/** Several tasks: two on the same prefix, one inside it, one elsewhere in the bucket, one without events. */
const several = {
  tasks: [
    { name: 'first', source: { bucket: 'shared', prefix: 'a b/ü+' }, destination: { bucket: 'one' }, events: 'create' },
    {
      name: 'second',
      source: { bucket: 'shared', prefix: 'a b/ü+' },
      destination: { bucket: 'two' },
      events: 'create-delete',
      schedule: 'cron(0 3 * * ? *)',
    },
    {
      name: 'inside',
      source: { bucket: 'shared', prefix: 'a b/ü+/x/' },
      destination: { bucket: 'three' },
      events: 'create-delete',
    },
    { name: 'beside', source: { bucket: 'shared', prefix: 'b/' }, destination: { bucket: 'six' }, events: 'create' },
    { name: 'whole', source: { bucket: 'other' }, destination: { bucket: 'four' }, events: 'create' },
    {
      name: 'remote',
      source: { bucket: 'remote', endpoint: 'https://store.example', credentials: { ssmParameter: 'store' } },
      destination: { bucket: 'five' },
      schedule: 'rate(5 minutes)',
    },
  ],
};

describe.each([
  { title: 'the example configuration', configuration: undefined, tasks: ['global-to-china'] },
  { title: 'several tasks', configuration: several, tasks: several.tasks.map(({ name }) => name) },
])('$title', ({ configuration, tasks }) => {
  let template: Template;
  const properties = (type: string) =>
    resourcesOf(template, type).map(({ Properties }) => plain(Properties) as Record<string, unknown>);

  beforeAll(() => {
    template = synthesize({ configuration });
  });

  test('names no partition and no domain, but for the names of services that assume roles', () => {
    const without = JSON.stringify(template, (_key, value: unknown) =>
      typeof value === 'object' && value !== null && 'Service' in value ? undefined : value,
    );
    expect(without).not.toMatch(/arn:aws|amazonaws\.com/);
  });

  test('nothing has tags, which China refuses on event source mappings', () => {
    for (const { Properties } of Object.values(template.Resources)) expect(Properties).not.toHaveProperty('Tags');
  });

  test('the jobs queue and the dead-letter queue', () => {
    const common = { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 };
    const redrive = { deadLetterTargetArn: '<QueuesDeadLetters.Arn>', maxReceiveCount: maxReceives };
    expect(properties('AWS::SQS::Queue')).toEqual([
      common,
      { ...common, VisibilityTimeout: 6 * 15 * 60, RedrivePolicy: redrive },
    ]);
    const tlsOnly = { Effect: 'Deny', Action: 'sqs:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    const policies = properties('AWS::SQS::QueuePolicy') as { PolicyDocument: { Statement: unknown[] } }[];
    for (const { PolicyDocument } of policies) expect(PolicyDocument.Statement[0]).toMatchObject(tlsOnly);
    expect(policies).toHaveLength(2);
  });

  test('the ledger', () => {
    expect(resourcesOf(template, 'AWS::DynamoDB::Table')).toEqual([
      expect.objectContaining({
        DeletionPolicy: 'Retain',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: ['id', 'failedTask', 'failedAt'].map((AttributeName) => ({
            AttributeName,
            AttributeType: 'S',
          })),
          GlobalSecondaryIndexes: [
            {
              IndexName: 'failed',
              KeySchema: [
                { AttributeName: 'failedTask', KeyType: 'HASH' },
                { AttributeName: 'failedAt', KeyType: 'RANGE' },
              ],
              Projection: { ProjectionType: 'KEYS_ONLY' },
            },
          ],
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        },
      }),
    ]);
  });

  test('one function for each folder of functions/, with a construct of its own', () => {
    const deployed = resourcesOf(template, 'AWS::Lambda::Function').flatMap(
      ({ Properties }) => serviceName(Properties) ?? [],
    );
    expect(deployed.sort()).toEqual([...functionNames].sort());
    const constructs = readdirSync('infra/functions').map((file) => file.replace(/\.ts$/, ''));
    expect(constructs.sort()).toEqual([...functionNames].sort());
    expect(Object.keys(environments).sort()).toEqual([...functionNames].sort());
  });

  test('each function: what it is, and the variables that its handler reads', () => {
    const powertools = ['POWERTOOLS_SERVICE_NAME', 'POWERTOOLS_METRICS_NAMESPACE', 'POWERTOOLS_LOG_LEVEL'];
    for (const { Properties } of resourcesOf(template, 'AWS::Lambda::Function')) {
      const name = serviceName(Properties);
      if (name === undefined) continue;
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        Code: { S3Key: expect.any(String) },
        LoggingConfig: { LogGroup: { Ref: expect.any(String) } },
        Environment: { Variables: { POWERTOOLS_METRICS_NAMESPACE: 'S3Ferry' } },
      });
      const { Environment } = Properties as { Environment: { Variables: Record<string, string> } };
      expect(Object.keys(Environment.Variables).sort()).toEqual([...environments[name]!, ...powertools].sort());
    }
    for (const { RetentionInDays } of properties('AWS::Logs::LogGroup')) expect(RetentionInDays).toBe(30);
  });

  test('what moves bytes has a whole processor and the longest time', () => {
    const settings = resourcesOf(template, 'AWS::Lambda::Function').flatMap(({ Properties }) => {
      const { MemorySize, Timeout } = Properties as { MemorySize: number; Timeout: number };
      const name = serviceName(Properties);
      return name === undefined ? [] : [[name, [MemorySize, Timeout]]];
    });
    expect(Object.fromEntries(settings)).toEqual({
      'abandon-upload': [512, 300],
      'check-upload': [512, 900],
      'copy-objects': [1769, 900],
      'find-objects': [1024, 900],
      'finish-run': [512, 60],
      'plan-sync': [512, 300],
      'plan-upload': [1769, 900],
      'upload-parts': [1769, 900],
    });
  });

  test('the queue calls copy-objects', () => {
    expect(properties('AWS::Lambda::EventSourceMapping')).toEqual([
      {
        EventSourceArn: '<QueuesJobs.Arn>',
        FunctionName: '<CopyObjectsHandler>',
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 100 },
      },
    ]);
  });

  test('a parameter for each task, which parses to the task', () => {
    const parameters = properties('AWS::SSM::Parameter') as { Name: string; Type: string; Value: string }[];
    expect(parameters.map(({ Name }) => Name)).toEqual(tasks.map((name) => `/s3-ferry/S3Ferry/tasks/${name}`));
    for (const { Name, Value } of parameters) expect(Name.endsWith(`/${parseTask(Value, Name).name}`)).toBe(true);
  });

  test('two Standard machines, which end some day', () => {
    const machines = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
    expect(machines).toHaveLength(2);
    for (const { Properties } of machines) {
      expect((Properties as { StateMachineType?: string }).StateMachineType ?? 'STANDARD').toBe('STANDARD');
      expect(JSON.stringify(Properties)).toContain(String.raw`\"TimeoutSeconds\":`);
    }
  });

  test('outputs what an operator needs', () => {
    const outputs = Object.entries(template.Outputs).map(([name, { Value }]) => [name, plain(Value)]);
    expect(Object.fromEntries(outputs)).toEqual({
      SyncMachineArn: '<SyncMachine>',
      UploadMachineArn: '<UploadMachine>',
      JobsQueueUrl: '<QueuesJobs>',
      DeadLetterQueueUrl: '<QueuesDeadLetters>',
      LedgerTable: '<LedgerTable>',
    });
  });

  if (configuration === undefined) return;

  test('a schedule for each task that has one', () => {
    const rule = (task: string, ScheduleExpression: string) => ({
      Description: `S3 Ferry: runs task ${task}`,
      ScheduleExpression,
      State: 'ENABLED',
      Targets: [
        {
          Id: 'Target0',
          Arn: '<SyncMachine>',
          RoleArn: '<SyncMachineEventsRole.Arn>',
          Input: JSON.stringify({ task }),
        },
      ],
    });
    expect(properties('AWS::Events::Rule')).toEqual([
      rule('second', 'cron(0 3 * * ? *)'),
      rule('remote', 'rate(5 minutes)'),
    ]);
  });

  test('a bucket tells of each prefix once, and of removals only where a task wants them', () => {
    const notification = (Events: string, prefix?: string) => ({
      Events: [Events],
      QueueArn: '<QueuesJobs.Arn>',
      ...(prefix !== undefined && { Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: prefix }] } } }),
    });
    const buckets = properties('Custom::S3BucketNotifications') as { BucketName: string }[];
    expect(buckets.map(({ BucketName }) => BucketName)).toEqual(['shared', 'other']);
    expect(buckets[0]).toMatchObject({
      Managed: false,
      NotificationConfiguration: {
        QueueConfigurations: [
          notification('s3:ObjectCreated:*', 'a+b/%C3%BC%2B'),
          notification('s3:ObjectCreated:*', 'b/'),
          notification('s3:ObjectRemoved:*', 'a+b/%C3%BC%2B'),
        ],
      },
    });
    expect(buckets[1]).toMatchObject({
      Managed: false,
      NotificationConfiguration: { QueueConfigurations: [notification('s3:ObjectCreated:*')] },
    });
  });

  test('only S3, and only for those buckets, may send to the queue', () => {
    const policies = properties('AWS::SQS::QueuePolicy') as { PolicyDocument: { Statement: { Effect: string }[] } }[];
    const allowed = policies.flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow'),
    );
    expect(allowed).toEqual(
      ['shared', 'other'].map((bucket) =>
        expect.objectContaining({
          Principal: { Service: 's3.amazonaws.com' },
          Condition: { ArnLike: { 'aws:SourceArn': `arn:<Partition>:s3:::${bucket}` } },
          Resource: '<QueuesJobs.Arn>',
        }),
      ),
    );
  });
});
