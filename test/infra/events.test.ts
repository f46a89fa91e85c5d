import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { evaluate } from '../../emulator/aws/iam/evaluate.ts';
import type { PolicyDocument, Statement } from '../../emulator/aws/iam/policy.ts';
import { parseS3Notification } from '../../shared/model/messages/s3-event.ts';
import { account, deployed, region } from '../support/policies.ts';
import { plain, resourcesOf, runMain, type Resource, type Synthesized, type Template } from '../support/synthesize.ts';

/** Events of buckets in other regions and accounts, from the rule in their region to the message in the queue. */

const other = '222233334444';
const configuration = {
  tasks: [
    {
      name: 'own',
      source: { bucket: 'own-account', prefix: 'a b/ü+', region: 'us-west-2' },
      destination: { bucket: 'into', prefix: 'own/' },
      events: 'create-delete',
    },
    {
      name: 'theirs',
      source: { bucket: 'their-bucket', region: 'us-east-2', expectedBucketOwner: other },
      destination: { bucket: 'into', prefix: 'theirs/' },
      events: 'create',
    },
    { name: 'here', source: { bucket: 'here' }, destination: { bucket: 'into', prefix: 'here/' }, events: 'create' },
  ],
};

let made: Synthesized;
let receiver: Template;
const sender = (place: string): Template => JSON.parse(made.senders[`${place}.template.json`] ?? '') as Template;

beforeAll(() => {
  made = runMain({ configuration });
  receiver = JSON.parse(made.text) as Template;
});

/** An event as S3 gives it to EventBridge (Amazon S3 User Guide: Event message structure, EventBridge). */
function s3Event(type: string, bucket: string, key: string, from = { account, region: 'us-west-2' }) {
  return {
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': type,
    source: 'aws.s3',
    ...from,
    time: '2026-11-12T00:00:00Z',
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: {
        key,
        size: 5,
        etag: 'b1946ac92492d2347c6235b4d2611184',
        'version-id': 'IYV3p45BT0ac8hjHg1houSdS1a.Mro8e',
        sequencer: '617f08299329d189',
      },
      'request-id': 'N4N7GDK58NMKJ12R',
      requester: '123456789012',
      reason: 'PutObject',
    },
  };
}

type Pattern = { readonly [field: string]: Pattern | readonly unknown[] };

/** Does a pattern match an event? Of the language of EventBridge it knows lists of values and of prefixes. */
function matches(pattern: Pattern, event: Record<string, unknown>): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const found = event[field];
    if (!Array.isArray(wanted)) return matches(wanted as Pattern, (found ?? {}) as Record<string, unknown>);
    return wanted.some((one: unknown) =>
      typeof one === 'object' ? String(found).startsWith((one as { prefix: string }).prefix) : one === found,
    );
  });
}

const rulesOf = (template: Template): Resource[] =>
  resourcesOf(template, 'AWS::Events::Rule').filter(
    ({ Properties }) => (Properties as { EventPattern?: unknown }).EventPattern !== undefined,
  );
const passes = (template: Template, event: Record<string, unknown>): boolean =>
  rulesOf(template).some(({ Properties }) =>
    matches(deployed((Properties as { EventPattern: unknown }).EventPattern) as Pattern, event),
  );
interface PolicyStatement extends Required<Omit<Statement, 'Principal'>> {
  readonly Principal: unknown;
}

/** The policies of resources of one type, as one principal sees them: events.amazonaws.com, or the other account. */
const statementsOf = (template: Template, type: string, principal: Record<string, string>): PolicyDocument[] =>
  resourcesOf(template, type).map(({ Properties }) => {
    const { PolicyDocument, Statement } = deployed(Properties) as Record<string, unknown>;
    const document = (PolicyDocument ?? { Statement: [Statement] }) as { Statement: PolicyStatement[] };
    const concerned = document.Statement.filter(({ Principal }) => isDeepStrictEqual(Principal, principal));
    return {
      Statement: concerned.map(({ Effect, Action, Resource, Condition }) => ({ Effect, Action, Resource, Condition })),
    };
  });

describe('events of a bucket in another region', () => {
  it.each([
    ['Object Created', 'created'],
    ['Object Restore Completed', 'created'],
    ['Object Deleted', 'removed'],
  ])('go from the rule there to the rule here, and are read from the queue (%s)', (type, kind) => {
    const event = s3Event(type, 'own-account', 'a b/ü+ & more.jpg');
    expect([passes(sender('us-west-2'), event), passes(receiver, event)]).toEqual([true, true]);
    expect(parseS3Notification(JSON.stringify(event))).toEqual([
      expect.objectContaining({ kind, bucket: 'own-account', key: 'a b/ü+ & more.jpg' }),
    ]);
  });

  it.each([
    ['another bucket', s3Event('Object Created', 'here', 'a b/ü+')],
    ['keys outside the prefix', s3Event('Object Created', 'own-account', 'elsewhere')],
    ['changes of tags', s3Event('Object Tags Added', 'own-account', 'a b/ü+')],
    ['another source', { ...s3Event('Object Created', 'own-account', 'a b/ü+'), source: 'com.example' }],
  ])('are only those that tasks need, not %s', (_, event) => {
    expect(passes(sender('us-west-2'), event)).toBe(false);
  });

  it('have no removals where no task replicates any, and none of an account that no task names', () => {
    const from = { account: other, region: 'us-east-2' };
    const theirs = sender(`us-east-2-${other}`);
    expect(passes(theirs, s3Event('Object Created', 'their-bucket', 'k', from))).toBe(true);
    expect(passes(theirs, s3Event('Object Deleted', 'their-bucket', 'k', from))).toBe(false);
    expect(passes(receiver, s3Event('Object Created', 'their-bucket', 'k', from))).toBe(true);
    const stranger = { account: '999999999999', region: 'us-east-2' };
    expect(passes(receiver, s3Event('Object Created', 'their-bucket', 'k', stranger))).toBe(false);
  });

  it('are put onto the bus by a role that may do nothing else', () => {
    const bus = `arn:aws:events:${region}:${account}:event-bus/S3Ferry`;
    for (const place of ['us-west-2', `us-east-2-${other}`]) {
      const [{ Properties: role } = { Properties: {} }] = resourcesOf(sender(place), 'AWS::IAM::Role');
      expect(plain((role as { Policies: unknown }).Policies)).toEqual([
        {
          PolicyName: 'Send',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: 'events:PutEvents', Resource: '<EventBusArn>' }],
          },
        },
      ]);
    }
    // The other account needs the bus's own policy too, which admits its rules of that region.
    const policies = statementsOf(receiver, 'AWS::Events::EventBusPolicy', { AWS: `arn:aws:iam::${other}:root` });
    const verdict = (rule: string) =>
      evaluate(policies, { action: 'events:PutEvents', resource: bus, context: { 'aws:SourceArn': rule } });
    expect(policies).toHaveLength(1);
    expect(verdict(`arn:aws:events:us-east-2:${other}:rule/S3Ferry-events-Bucket1-1`)).toBe('allowed');
    expect(verdict(`arn:aws:events:us-east-1:${other}:rule/S3Ferry-events-Bucket1-1`)).toBe('not allowed');
    expect(verdict('arn:aws:events:us-east-2:999999999999:rule/any')).toBe('not allowed');
  });

  it('are sent to the queues, or to the dead letters, by rules of the bus alone', () => {
    for (const queue of ['Events', 'Jobs', 'DeadLetters']) {
      const policies = statementsOf(receiver, 'AWS::SQS::QueuePolicy', { Service: 'events.amazonaws.com' });
      const resource = `<Queues${queue}.Arn>`;
      const verdict = (rule: string) =>
        evaluate(policies, { action: 'sqs:SendMessage', resource, context: { 'aws:SourceArn': rule } });
      expect(verdict(`arn:aws:events:${region}:${account}:rule/S3Ferry/EventsRule`)).toBe('allowed');
      expect(verdict(`arn:aws:events:${region}:${account}:rule/EventsRule`)).toBe('not allowed');
      expect(verdict(`arn:aws:events:${region}:${account}:rule/S3Ferry-test/EventsRule`)).toBe('not allowed');
    }
  });

  it('are kept in a dead-letter queue on both sides', () => {
    const targets = (template: Template) =>
      rulesOf(template).flatMap(({ Properties }) => (plain(Properties) as { Targets: object[] }).Targets);
    expect(targets(receiver)).toEqual([
      { Id: 'Jobs', Arn: '<QueuesEvents.Arn>', DeadLetterConfig: { Arn: '<QueuesDeadLetters.Arn>' } },
    ]);
    expect(targets(sender('us-west-2'))).toEqual([
      {
        Id: 'Ferry',
        Arn: '<EventBusArn>',
        RoleArn: '<Role.Arn>',
        DeadLetterConfig: { Arn: '<Undelivered.Arn>' },
      },
    ]);
  });
});

describe('the stacks of other regions', () => {
  it('have a template each, which needs no bootstrap, no assets and no capability but that for a role', () => {
    expect(Object.keys(made.senders).sort()).toEqual([`us-east-2-${other}.template.json`, 'us-west-2.template.json']);
    for (const text of Object.values(made.senders)) {
      expect(text).not.toMatch(/cdk-hnb659fds|AssetParameters|BootstrapVersion|"RoleName"|arn:aws:/);
      expect(Buffer.byteLength(text)).toBeLessThan(51_200);
    }
  });

  it('are deployed by commands, which are outputs of the stack where it is in another region', () => {
    const commands = Object.entries(receiver.Outputs).filter(([name]) => name.startsWith('EventsFrom'));
    expect(commands.map(([name, { Value }]) => [name, deployed(Value)])).toEqual([
      ['EventsFromuswest2', expect.stringContaining(`--region us-west-2 --stack-name S3Ferry-events `)],
      [
        `EventsFromuseast2${other}`,
        'aws cloudformation deploy --region us-east-2 --stack-name S3Ferry-events ' +
          `--template-file cdk.out/events/us-east-2-${other}.template.json --capabilities CAPABILITY_IAM ` +
          `--parameter-overrides EventBusArn=arn:aws:events:${region}:${account}:event-bus/S3Ferry`,
      ],
    ]);
    for (const [, output] of commands) expect(output).toHaveProperty('Condition');
  });

  it('are not there if no task with events names a region', () => {
    const [, , here] = configuration.tasks;
    const alone = runMain({ configuration: { tasks: [here] } });
    expect(alone.senders).toEqual({});
    expect(alone.text).not.toMatch(/AWS::Events::EventBus|EventsFrom/);
  });

  it('and the bus, in the region that the only task names, are left out at deployment', () => {
    const [own] = configuration.tasks;
    const { Resources, Conditions } = JSON.parse(runMain({ configuration: { tasks: [own] } }).text) as Template & {
      Conditions: Record<string, unknown>;
    };
    const conditional = Object.values(Resources).filter(({ Type }) => Type.startsWith('AWS::Events::EventBus'));
    const [name] = Object.keys(Conditions).filter((condition) => condition.startsWith('EventsOutsideuswest2'));
    expect(conditional).toEqual([expect.objectContaining({ Condition: name })]);
    expect(Conditions[name!]).toEqual({ 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-west-2'] }] });
  });

  it('take all events of a bucket whose prefixes do not fit into a pattern', () => {
    const prefixes = Array.from({ length: 25 }, (_, index) => `${'x'.repeat(100)}${index}/`);
    const [own] = configuration.tasks;
    made = runMain({ configuration: { tasks: [{ ...own, prefixes }] } });
    expect(made.status).toBe(0);
    expect(passes(sender('us-west-2'), s3Event('Object Created', 'own-account', 'any'))).toBe(true);
  });
});
