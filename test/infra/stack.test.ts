import { beforeAll, describe, expect, it, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { maxReceives } from '../../shared/model/limits.ts';
import { parseTask } from '../../shared/model/config/task.ts';
import { serviceName } from '../support/permissions.ts';
import { functionNames, nagFindings, plain, resourcesOf, synthesize, type Template } from '../support/synthesize.ts';

/** The variables that each handler reads, by the folder in functions/. */
const environments = new Map(
  await Promise.all(
    functionNames.map(async (name) => {
      const { environmentKeys } = (await import(`../../functions/${name}/environment.ts`)) as {
        environmentKeys: readonly string[];
      };
      return [name, environmentKeys] as const;
    }),
  ),
);

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
    {
      name: 'parts',
      source: { bucket: 'shared', prefix: 'c/' },
      prefixes: ['y/', 'x/', 'x/1/'],
      destination: { bucket: 'seven' },
      events: 'create',
    },
    {
      name: 'many-parts',
      source: { bucket: 'shared', prefix: 'b/d/' },
      prefixes: Array.from({ length: 30 }, (_, index) => `${index}/`),
      destination: { bucket: 'eight' },
      events: 'create',
    },
    { name: 'whole', source: { bucket: 'other' }, destination: { bucket: 'four' }, events: 'create' },
    {
      name: 'remote',
      source: { bucket: 'remote', endpoint: 'https://store.example', credentials: { ssmParameter: 'store' } },
      destination: { bucket: 'five' },
      schedule: 'rate(5 minutes)',
    },
  ],
};

interface QueuePolicy {
  readonly Queues: readonly string[];
  readonly PolicyDocument: { readonly Statement: { readonly Effect: string }[] };
}

describe.each([
  { title: 'the example configuration', configuration: undefined, tasks: ['global-to-china'] },
  { title: 'several tasks', configuration: several, tasks: several.tasks.map(({ name }) => name) },
])('$title', ({ configuration, tasks }) => {
  let template: Template;
  const properties = (type: string) =>
    resourcesOf(template, type).map(({ Properties }) => plain(Properties) as Record<string, unknown>);

  /** The statements that allow something on the queue. */
  const allowedOn = (queue: string) =>
    (properties('AWS::SQS::QueuePolicy') as unknown as QueuePolicy[])
      .filter(({ Queues }) => Queues.includes(`<${queue}>`))
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow'));

  beforeAll(() => {
    template = synthesize({ configuration });
  });

  it('names no partition and no domain except service principals, which are the same everywhere', () => {
    const isService = (key: string, value: unknown): boolean =>
      (key === 'Service' || key === 'Principal') && /^[a-z0-9]+\.amazonaws\.com$/.test(String(value));
    const without = JSON.stringify(template, (key, value: unknown) => (isService(key, value) ? undefined : value));
    expect(without.match(/.{0,80}(arn:aws|amazonaws\.com)/g)).toBeNull();
  });

  it('has no tags, which China refuses on event source mappings', () => {
    for (const { Properties } of Object.values(template.Resources)) expect(Properties).not.toHaveProperty('Tags');
  });

  it('has the queues of jobs and of events, and the dead-letter queue', () => {
    // What SQS itself moves keeps its age, and dead letters must stay for a while.
    const common = { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 };
    const redrive = { deadLetterTargetArn: '<QueuesDeadLetters.Arn>', maxReceiveCount: maxReceives };
    const times = { MessageRetentionPeriod: 10 * 24 * 3600, VisibilityTimeout: 6 * 15 * 60 };
    const consumed = { ...common, ...times, RedrivePolicy: redrive };
    expect(properties('AWS::SQS::Queue')).toEqual([
      common,
      consumed,
      consumed,
      // What rules could not start.
      common,
    ]);
    const tlsOnly = { Effect: 'Deny', Action: 'sqs:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    const policies = properties('AWS::SQS::QueuePolicy') as { PolicyDocument: { Statement: unknown[] } }[];
    for (const { PolicyDocument } of policies) expect(PolicyDocument.Statement[0]).toMatchObject(tlsOnly);
    expect(policies).toHaveLength(4);
  });

  it('has the ledger', () => {
    expect(resourcesOf(template, 'AWS::DynamoDB::Table')).toEqual([
      expect.objectContaining({
        DeletionPolicy: 'Retain',
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          DeletionProtectionEnabled: true,
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

  it('has one function and one construct for each folder of functions/', () => {
    const deployed = resourcesOf(template, 'AWS::Lambda::Function').flatMap(
      ({ Properties }) => serviceName(Properties) ?? [],
    );
    expect(deployed.sort()).toEqual([...functionNames].sort());
    const constructs = readdirSync('infra/functions').map((file) => file.replace(/\.ts$/, ''));
    expect(constructs.sort()).toEqual([...functionNames].sort());
  });

  it('gives each function its settings and the variables that its handler reads', () => {
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
        Environment: { Variables: { POWERTOOLS_METRICS_NAMESPACE: 'S3Ferry/S3Ferry' } },
        TracingConfig: { 'Fn::If': ['HasTracing', { Mode: 'Active' }, { Ref: 'AWS::NoValue' }] },
      });
      const { Environment } = Properties as { Environment: { Variables: Record<string, string> } };
      expect(Object.keys(Environment.Variables).sort()).toEqual([...environments.get(name)!, ...powertools].sort());
    }
    for (const { RetentionInDays } of properties('AWS::Logs::LogGroup')) expect(RetentionInDays).toBe(30);
  });

  it('gives functions that move bytes a whole processor and the longest timeout', () => {
    const settings = resourcesOf(template, 'AWS::Lambda::Function').flatMap(({ Properties }) => {
      const { MemorySize, Timeout } = Properties as { MemorySize: number; Timeout: number };
      const name = serviceName(Properties);
      return name === undefined ? [] : [[name, [MemorySize, Timeout]]];
    });
    expect(Object.fromEntries(settings)).toEqual({
      'abandon-upload': [512, 300],
      'bucket-notifications': [256, 300],
      'check-deletes': [512, 60],
      'check-run': [512, 300],
      'check-upload': [512, 900],
      'copy-objects': [1769, 900],
      'cut-ranges': [512, 300],
      'find-objects': [1024, 900],
      'finish-run': [512, 60],
      'plan-sync': [512, 300],
      'plan-upload': [1769, 900],
      'sweep-uploads': [512, 900],
      'upload-parts': [1769, 900],
    });
  });

  it('calls copy-objects from both queues, and jobs leave a reserve to events', () => {
    const common = {
      FunctionName: '<CopyObjectsHandler>',
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    };
    expect(properties('AWS::Lambda::EventSourceMapping')).toEqual([
      { ...common, EventSourceArn: '<QueuesJobs.Arn>', ScalingConfig: { MaximumConcurrency: 80 } },
      { ...common, EventSourceArn: '<QueuesEvents.Arn>', ScalingConfig: { MaximumConcurrency: 20 } },
    ]);
  });

  it('has a parameter for each task, which parses to the task', () => {
    const all = properties('AWS::SSM::Parameter') as { Name: string; Type: string; Value: string }[];
    const parameters = all.filter(({ Name }) => Name.includes('/tasks/'));
    expect(parameters.map(({ Name }) => Name)).toEqual(tasks.map((name) => `/s3-ferry/S3Ferry/tasks/${name}`));
    for (const { Name, Value } of parameters) expect(Name.endsWith(`/${parseTask(Value, Name).name}`)).toBe(true);
  });

  it('publishes queues, ledger and machines for the commands of operators', () => {
    const all = properties('AWS::SSM::Parameter') as { Name: string; Value: string }[];
    const found = all.filter(({ Name }) => !Name.includes('/tasks/')).map(({ Name, Value }) => [Name, Value]);
    expect(found).toEqual([
      ['/s3-ferry/S3Ferry/queues/jobs', '<QueuesJobs>'],
      ['/s3-ferry/S3Ferry/queues/events', '<QueuesEvents>'],
      ['/s3-ferry/S3Ferry/queues/dead-letters', '<QueuesDeadLetters>'],
      ['/s3-ferry/S3Ferry/tables/ledger', '<LedgerTable>'],
      ['/s3-ferry/S3Ferry/machines/sync', '<SyncMachine>'],
      ['/s3-ferry/S3Ferry/machines/upload', '<UploadMachine>'],
    ]);
  });

  it('has two Standard machines with a timeout', () => {
    const machines = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
    expect(machines).toHaveLength(2);
    for (const { Properties } of machines) {
      expect((Properties as { StateMachineType?: string }).StateMachineType ?? 'STANDARD').toBe('STANDARD');
      expect(JSON.stringify(Properties)).toContain(String.raw`\"TimeoutSeconds\":`);
      expect(Properties).toMatchObject({
        LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
        TracingConfiguration: { 'Fn::If': ['HasTracing', { Enabled: true }, { Ref: 'AWS::NoValue' }] },
      });
    }
  });

  it('outputs what an operator needs', () => {
    const always = Object.entries(template.Outputs).filter(([, { Condition }]) => Condition === undefined);
    const outputs = always.map(([name, { Value }]) => [name, plain(Value)]);
    expect(Object.fromEntries(outputs)).toEqual({
      SyncMachineArn: '<SyncMachine>',
      UploadMachineArn: '<UploadMachine>',
      JobsQueueUrl: '<QueuesJobs>',
      EventsQueueUrl: '<QueuesEvents>',
      DeadLetterQueueUrl: '<QueuesDeadLetters>',
      MissedStartsQueueUrl: '<MissedQueue>',
      LedgerTable: '<LedgerTable>',
      AlarmTopicArn: '<AlarmTopic>',
    });
  });

  it('keeps what a schedule could not start: every target has the queue, whose policy has one statement for all rules', () => {
    const scheduled = properties('AWS::Events::Rule').filter(({ ScheduleExpression }) => ScheduleExpression);
    const targets = scheduled.flatMap(({ Targets }) => Targets as Record<string, unknown>[]);
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) expect(target).toMatchObject({ DeadLetterConfig: { Arn: '<MissedQueue.Arn>' } });
    expect(allowedOn('MissedQueue')).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: '<MissedQueue.Arn>',
        Condition: {
          ArnLike: { 'aws:SourceArn': 'arn:<Partition>:events:<Region>:<AccountId>:rule/*' },
          StringEquals: { 'aws:SourceAccount': '<AccountId>' },
        },
      },
    ]);
  });

  if (configuration === undefined) return;

  it('has a rule for each task with a schedule', () => {
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
          DeadLetterConfig: { Arn: '<MissedQueue.Arn>' },
        },
      ],
    });
    const rules = properties('AWS::Events::Rule').filter(({ Targets }) =>
      JSON.stringify(Targets).includes('<SyncMachine>'),
    );
    expect(rules).toEqual([rule('second', 'cron(0 3 * * ? *)'), rule('remote', 'rate(5 minutes)')]);
  });

  it('notifies of each prefix once, and of removals only if a task replicates them', () => {
    const common = { ServiceToken: '<NotificationsSetterHandler.Arn>', QueueArn: '<QueuesEvents.Arn>' };
    const resources = resourcesOf(template, 'Custom::BucketNotifications');
    expect(resources.map(({ Properties }) => plain(Properties))).toEqual([
      { ...common, BucketName: 'shared', Created: ['a+b/%C3%BC%2B', 'b/', 'c/x/', 'c/y/'], Removed: ['a+b/%C3%BC%2B'] },
      { ...common, BucketName: 'other', Created: [''], Removed: [] },
    ]);
    // S3 asks the queue, and its policy, before it takes the configuration.
    for (const { DependsOn = [] } of resources) {
      const ids = DependsOn.map((id) => id.replace(/[0-9A-F]{8}$/, ''));
      expect(ids).toEqual([
        expect.stringMatching(/^NotificationsSetterRoleBuckets/),
        'QueuesEventsPolicy',
        'QueuesEvents',
      ]);
    }
  });

  // S3 delivers by the former configuration while an update goes on, and for minutes after it.
  it.each(['QueuesEvents', 'QueuesJobs'])('lets only S3, and only for those buckets, send to %s', (queue) => {
    expect(allowedOn(queue)).toEqual([
      expect.objectContaining({
        Principal: { Service: 's3.amazonaws.com' },
        Condition: {
          ArnEquals: { 'aws:SourceArn': ['shared', 'other'].map((bucket) => `arn:<Partition>:s3:::${bucket}`) },
          StringEquals: { 'aws:SourceAccount': '<AccountId>' },
        },
        Resource: `<${queue}.Arn>`,
      }),
    ]);
  });
});

test("cdk-nag's AwsSolutions reports nothing except what is acknowledged next to the resource", () => {
  const destination = { bucket: 'into', prefix: 'out/', encryption: { type: 'aws:kms', keyId: 'alias/ferry' } };
  const far = { bucket: 'far', region: 'cn-north-1', credentials: { ssmParameter: 'far-keys' } };
  const configuration = {
    tasks: [
      { name: 'near', source: { bucket: 'from', prefix: 'in/' }, destination, events: 'create-delete' },
      {
        name: 'elsewhere',
        source: { bucket: 'elsewhere', region: 'eu-west-3', expectedBucketOwner: '222233334444' },
        destination: { bucket: 'into', prefix: 'elsewhere/' },
        events: 'create',
      },
      {
        name: 'odd',
        source: { bucket: 'odd', prefix: 'a b/ü/€/*/', verbatimPrefix: true },
        destination: { bucket: 'odd-too' },
      },
      {
        name: 'identity',
        source: { bucket: 'identity' },
        destination: {
          bucket: 'identity-too',
          region: 'cn-north-1',
          credentials: { webIdentity: { roleArn: 'arn:aws-cn:iam::123456789012:role/writer', audience: 'ferry' } },
        },
      },
      { name: 'whole', source: { bucket: 'all' }, destination: far, schedule: 'rate(1 hour)', deletes: true },
    ],
    stack: { alarmEmail: 'who@example.com', workerMode: 'both' },
  };
  expect(nagFindings(configuration)).toEqual([]);
});

test('keeps the logical IDs of what a deployed stack must not lose or replace', () => {
  const task = { name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' }, events: 'create' };
  const { Resources } = synthesize({ configuration: { tasks: [task] } });
  const types = /^AWS::(DynamoDB::Table|SQS::Queue|Lambda::Function|StepFunctions::StateMachine|SNS::Topic)$|^Custom::/;
  const lasting = Object.entries(Resources).flatMap(([id, { Type }]) => (types.test(Type) ? [id] : []));
  expect(lasting).toEqual(
    expect.arrayContaining([
      'QueuesDeadLettersF0D5D2AD',
      'QueuesJobs403F2492',
      'LedgerTable9343E4AA',
      'PlanSyncHandlerBE48DDC0',
      'FindObjectsHandler07965C95',
      'FinishRunHandler3CD556F8',
      'SyncMachine41DE6A54',
      'PlanUploadHandlerE7433152',
      'UploadPartsHandler933603E9',
      'CheckUploadHandlerEA738AE8',
      'AbandonUploadHandler55E73D67',
      'UploadMachine6B49C60E',
      'CopyObjectsHandlerF4A4A01C',
      'AlarmTopicC2164170',
      'SweepUploadsHandlerE4111FF3',
      'NotificationsSetterHandler87D7597E',
      'NotificationsfromC70CD482',
    ]),
  );
});

describe('the settings of the stack', () => {
  const task = { name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' } };
  const withSettings = (stack: object): Template => synthesize({ configuration: { tasks: [task], stack } });

  it('calls no function from the queue if workers take all jobs', () => {
    expect(resourcesOf(withSettings({ workerMode: 'ec2' }), 'AWS::Lambda::EventSourceMapping')).toEqual([]);
  });

  it('tags what may have tags everywhere, and nothing else', () => {
    const template = withSettings({ tags: { team: 'media' } });
    const tagged = (type: string) => JSON.stringify(resourcesOf(template, type)).includes('"media"');
    for (const type of ['AWS::Lambda::Function', 'AWS::SQS::Queue', 'AWS::DynamoDB::Table', 'AWS::SSM::Parameter']) {
      expect([type, tagged(type)]).toEqual([type, true]);
    }
    expect(tagged('AWS::Lambda::EventSourceMapping')).toBe(false);
  });

  it('divides the budget of calls, and reserves some only if it is asked to', () => {
    const variable = (template: Template, service: string, name: string): string | undefined =>
      resourcesOf(template, 'AWS::Lambda::Function')
        .map(({ Properties }) => (Properties as { Environment?: { Variables: Record<string, string> } }).Environment)
        .find((one) => one?.Variables['POWERTOOLS_SERVICE_NAME'] === service)?.Variables[name];
    const reserved = (template: Template): unknown[] =>
      resourcesOf(template, 'AWS::Lambda::Function').flatMap(
        ({ Properties }) => (Properties as Record<string, unknown>)['ReservedConcurrentExecutions'] ?? [],
      );
    const byDefault = withSettings({});
    expect(reserved(byDefault)).toEqual([]);
    expect(variable(byDefault, 'plan-upload', 'PARTS_AT_ONCE')).toBe('735');
    const small = withSettings({ concurrency: { calls: 300, reserved: true } });
    expect(reserved(small)).toEqual([5, 5, 5]);
    expect(variable(small, 'check-upload', 'PARTS_AT_ONCE')).toBe('165');
    expect(variable(small, 'copy-objects', 'UPLOADS_AT_ONCE')).toBe('165');
    expect(() => withSettings({ concurrency: { calls: 100 } })).toThrow('stack.concurrency.calls: found 100');
  });

  it('applies retention, concurrency and the alarm address', () => {
    const template = withSettings({ logRetentionDays: 7, copyConcurrency: 25, alarmEmail: 'who@example.com' });
    const groups = resourcesOf(template, 'AWS::Logs::LogGroup');
    expect(groups.length).toBeGreaterThan(functionNames.length);
    for (const { Properties, DeletionPolicy } of groups) {
      expect([Properties, DeletionPolicy]).toEqual([expect.objectContaining({ RetentionInDays: 7 }), 'Delete']);
    }
    const mappings = resourcesOf(template, 'AWS::Lambda::EventSourceMapping');
    expect(mappings.map(({ Properties }) => Properties as object)).toEqual([
      expect.objectContaining({ ScalingConfig: { MaximumConcurrency: 23 } }),
      expect.objectContaining({ ScalingConfig: { MaximumConcurrency: 2 } }),
    ]);
    const [subscription, ...others] = resourcesOf(template, 'AWS::SNS::Subscription');
    expect(others).toEqual([]);
    expect(subscription?.Properties).toMatchObject({ Protocol: 'email', Endpoint: 'who@example.com' });
  });
});
