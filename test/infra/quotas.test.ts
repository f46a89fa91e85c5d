import { describe, expect, it, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { largest, quotaFaults, type Template } from '../../infra/quotas/check.ts';
import { quotas } from '../../infra/quotas/quotas.ts';
import { sampleConfiguration, sampleKinds, type SampleKind } from '../../infra/quotas/samples.ts';
import { runMain } from '../support/synthesize.ts';

/** What AWS would refuse is refused at synthesis; up to 200 tasks are not. */

interface TaskOptions {
  readonly schedule?: (index: number) => string;
  readonly owner?: (index: number) => string;
}

/** `count` tasks, each between two buckets of its own, with everything that needs resources. */
function tasksOf(count: number, { schedule = () => 'rate(1 hour)', owner }: TaskOptions = {}): object[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `task-${index}`,
    source: {
      bucket: `the-company-source-bucket-number-${index}`,
      prefix: 'data/',
      ...(owner && { expectedBucketOwner: owner(index) }),
    },
    destination: { bucket: `the-company-destination-bucket-number-${index}`, prefix: 'mirror/' },
    events: 'create-delete',
    deletes: true,
    schedule: schedule(index),
  }));
}

describe('200 tasks with 400 buckets, events and schedules', () => {
  it.each<{ title: string; options: TaskOptions }>([
    { title: 'that run every hour', options: {} },
    {
      title: 'each with a schedule of its own',
      options: { schedule: (index) => `cron(${index % 60} ${Math.floor(index / 60)} * * ? *)` },
    },
    {
      title: 'with sources in twenty other accounts',
      options: { owner: (index) => String(100_000_000_000 + (index % 20)) },
    },
  ])('$title are within all quotas', ({ options }) => {
    const configuration = { tasks: tasksOf(200, options), stack: { workerMode: 'both' } };
    const { status, stderr, text } = runMain({ configuration });
    expect(stderr).not.toContain('InvalidTask');
    expect(status).toBe(0);
    expect(quotaFaults(JSON.parse(text) as Template, Buffer.byteLength(text))).toEqual([]);
  });
});

describe.each<{ count: number } & SampleKind>([
  { count: 200, workerMode: 'lambda', kind: 'plain' },
  { count: 200, workerMode: 'ec2', kind: 'plain' },
  ...sampleKinds
    .filter((kind) => kind !== 'sources in 20 other accounts')
    // With a key each, a hundred and seventy.
    .map((kind) => ({ count: kind === 'a KMS key each' ? 160 : 200, workerMode: 'both' as const, kind })),
])('$count tasks ($kind), workerMode $workerMode', ({ count, ...sample }) => {
  it('are not refused, and fit into all quotas', () => {
    const { status, stderr, text } = runMain({ configuration: sampleConfiguration(count, sample) });
    expect(stderr).not.toContain('InvalidTask');
    expect(status).toBe(0);
    const used = largest(JSON.parse(text) as Template, Buffer.byteLength(text));
    expect([...used.keys()].sort()).toEqual(expect.arrayContaining(['resources', 'managedPoliciesPerRole']));
    for (const [quota, found] of used) expect([quota, found <= quotas[quota].limit]).toEqual([quota, true]);
  });
});

test('the results have every quota, with its limit and the page that states it', () => {
  const page = readFileSync('docs/results/quotas.md', 'utf8');
  const rows = page.split('\n').flatMap((line) => {
    const [, name, , , , , limit = '', source] = line.split('|').map((cell) => cell.trim());
    return name?.startsWith('`')
      ? [[name.slice(1, -1), { limit: Number(limit.replaceAll(',', '')), page: source }]]
      : [];
  });
  expect(Object.fromEntries(rows)).toEqual(quotas);
});

test('a configuration that exceeds a quota is refused, by name, and leaves no template behind', () => {
  const { status, stderr, files } = runMain({ configuration: { tasks: tasksOf(480) } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/InvalidTask: the stack exceeds quotas of AWS/);
  expect(stderr).toMatch(/S3Ferry: resources: found \d+, expected at most 500 \(AWS CloudFormation User Guide/);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(files.filter((file) => !file.startsWith('asset.'))).toEqual([]);
});

describe('the quotas of a template', () => {
  const faultsOf = (Resources: Template['Resources'], more: Partial<Template> = {}, bytes = 0): string[] =>
    quotaFaults({ Resources, ...more }, bytes);
  const many = <Value>(count: number, value: (index: number) => Value): Record<string, Value> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`R${index}`, value(index)]));
  const text = (length: number): string => 'x'.repeat(length);
  const Roles = [{ Ref: 'Role' }];
  const policy = (length: number) => ({ Statement: [text(length)] });

  /** For each quota a template over it, whose size of one thing is a parameter. */
  const over: Readonly<Record<keyof typeof quotas, (size: number) => string[]>> = {
    templateBytes: (size) => faultsOf({}, {}, size),
    resources: (size) => faultsOf(many(size, () => ({ Type: 'AWS::SNS::Topic' }))),
    parameters: (size) => faultsOf({}, { Parameters: many(size, () => ({})) }),
    outputs: (size) => faultsOf({}, { Outputs: many(size, () => ({})) }),
    // 18 characters around the statement's text.
    rolePolicyCharacters: (size) =>
      faultsOf(
        many(2, () => ({ Type: 'AWS::IAM::Policy', Properties: { Roles, PolicyDocument: policy(size / 2 - 18) } })),
      ),
    managedPolicyCharacters: (size) =>
      faultsOf({ P: { Type: 'AWS::IAM::ManagedPolicy', Properties: { Roles, PolicyDocument: policy(size - 18) } } }),
    managedPoliciesPerRole: (size) =>
      faultsOf(many(size, () => ({ Type: 'AWS::IAM::ManagedPolicy', Properties: { Roles, PolicyDocument: {} } }))),
    trustPolicyCharacters: (size) =>
      faultsOf({ R: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: policy(size - 18) } } }),
    queuePolicyBytes: (size) =>
      faultsOf({ Q: { Type: 'AWS::SQS::QueuePolicy', Properties: { PolicyDocument: policy(size - 18) } } }),
    queuePolicyStatements: (size) =>
      faultsOf({
        Q: { Type: 'AWS::SQS::QueuePolicy', Properties: { PolicyDocument: { Statement: new Array(size).fill({}) } } },
      }),
    standardParameterBytes: (size) =>
      faultsOf({ P: { Type: 'AWS::SSM::Parameter', Properties: { Value: text(size) } } }),
    advancedParameterBytes: (size) =>
      faultsOf({ P: { Type: 'AWS::SSM::Parameter', Properties: { Value: text(size), Tier: 'Intelligent-Tiering' } } }),
    // 8 characters around the value: {"A":""}
    environmentBytes: (size) =>
      faultsOf({
        F: { Type: 'AWS::Lambda::Function', Properties: { Environment: { Variables: { A: text(size - 8) } } } },
      }),
    // What is added around the properties, and 45 characters of theirs.
    functionPolicyBytes: (size) =>
      faultsOf({
        P: { Type: 'AWS::Lambda::Permission', Properties: { FunctionName: 'f', SourceArn: text(size - 260 - 35) } },
      }),
    definitionBytes: (size) =>
      faultsOf({ M: { Type: 'AWS::StepFunctions::StateMachine', Properties: { DefinitionString: text(size) } } }),
    rulesPerBus: (size) => faultsOf(many(size, () => ({ Type: 'AWS::Events::Rule', Properties: {} }))),
    // 8 characters around the value: {"a":""}
    eventPatternCharacters: (size) =>
      faultsOf({ R: { Type: 'AWS::Events::Rule', Properties: { EventPattern: { a: text(size - 8) } } } }),
    eventBusPolicyCharacters: (size) =>
      faultsOf(many(2, () => ({ Type: 'AWS::Events::EventBusPolicy', Properties: { a: text(size / 2 - 8) } }))),
    targetsPerRule: (size) =>
      faultsOf({ R: { Type: 'AWS::Events::Rule', Properties: { Targets: new Array(size).fill({}) } } }),
    notificationsPerBucket: (size) =>
      faultsOf({
        N: {
          Type: 'Custom::BucketNotifications',
          Properties: { BucketName: 'b', Created: new Array(size - 1).fill(''), Removed: [''] },
        },
      }),
    alarmMetrics: (size) =>
      faultsOf({
        A: {
          Type: 'AWS::CloudWatch::Alarm',
          Properties: { Metrics: [{ Expression: 'a' }, ...new Array<unknown>(size).fill({ MetricStat: {} })] },
        },
      }),
    userDataBytes: (size) =>
      faultsOf({
        T: {
          Type: 'AWS::EC2::LaunchTemplate',
          Properties: { LaunchTemplateData: { UserData: { 'Fn::Base64': text(size) } } },
        },
      }),
  };

  it.each(Object.entries(over))('have %s, which is exceeded by one and not before', (name, faults) => {
    const { limit, page } = quotas[name as keyof typeof quotas];
    // Two policies share the quota.
    const step = ['rolePolicyCharacters', 'eventBusPolicyCharacters'].includes(name) ? 2 : 1;
    expect(faults(limit)).toEqual([]);
    expect(faults(limit + step)).toEqual([expect.stringMatching(new RegExp(`expected at most ${limit} `))]);
    expect(faults(limit + step)[0]).toContain(page);
  });

  it('count references as the longest text that they may have', () => {
    const arn = { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::', text(6_144 - 18 - 4 - 6 - 10)]] };
    const managed = (Statement: unknown) =>
      faultsOf({ P: { Type: 'AWS::IAM::ManagedPolicy', Properties: { Roles, PolicyDocument: { Statement } } } });
    expect(managed([arn])).toEqual([]);
    expect(managed([arn, ''])).toHaveLength(1);
  });
});
