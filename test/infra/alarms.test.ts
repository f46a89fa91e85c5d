import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { plain, resourcesOf, synthesize, type Template } from '../support/synthesize.ts';

interface Alarm {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly AlarmActions?: readonly string[];
  readonly OKActions?: readonly string[];
  readonly TreatMissingData: string;
}

let template: Template;
let alarms: Alarm[];
let headings: string[];

beforeAll(() => {
  template = synthesize();
  alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => plain(Properties) as Alarm);
  headings = [...readFileSync('docs/runbook.md', 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
});

describe('alarms', () => {
  test('each has a heading in the runbook, and each heading its alarm', () => {
    const names = alarms.map(({ AlarmName }) => AlarmName.replace(/^S3Ferry: /, ''));
    expect(names.length).toBeGreaterThan(8);
    // The last is of no alarm, but of the command that looks for differences.
    expect(headings.at(-1)).toBe('Audit');
    expect(headings.slice(0, -1).sort()).toEqual(names.sort());
  });

  test("each description ends with the heading's address", () => {
    for (const { AlarmName, AlarmDescription } of alarms) {
      const anchor = AlarmName.replace(/^S3Ferry: /, '')
        .toLowerCase()
        .replaceAll(' ', '-');
      expect(AlarmDescription).toMatch(new RegExp(`What to do: docs/runbook\\.md#${anchor}$`));
    }
  });

  test('each tells the topic: of its beginning, and the notice that all is done of its end', () => {
    for (const { AlarmName, AlarmActions = [], OKActions = [], TreatMissingData } of alarms) {
      const isNotice = AlarmName === 'S3Ferry: All done';
      expect([AlarmName, AlarmActions, OKActions]).toEqual([
        AlarmName,
        isNotice ? [] : ['<AlarmTopic>'],
        isNotice ? ['<AlarmTopic>'] : [],
      ]);
      expect(TreatMissingData).toBe('notBreaching');
    }
  });

  test('only CloudWatch of this account publishes to the topic, over TLS', () => {
    const [policy] = resourcesOf(template, 'AWS::SNS::TopicPolicy');
    const { PolicyDocument } = plain(policy?.Properties) as { PolicyDocument: { Statement: unknown[] } };
    expect(PolicyDocument.Statement).toEqual([
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': '<AccountId>' } },
      }),
    ]);
  });
});

describe('the dashboard', () => {
  test('shows every metric that the functions write', () => {
    const [dashboard] = resourcesOf(template, 'AWS::CloudWatch::Dashboard');
    const body = JSON.stringify(plain(dashboard?.Properties));
    const sources = [
      'shared/observing/tally',
      'shared/observing/report',
      'functions/find-objects/index',
      'functions/finish-run/index',
      'functions/sweep-uploads/index',
    ];
    const code = sources.map((name) => readFileSync(`${name}.ts`, 'utf8')).join('\n');
    const written = new Set(
      code.match(/(?<=')(Objects|Bytes|Parts|Runs|Keys|Jobs|Executions|Uploads)[A-Z]\w+|Retries|EventToDone(?=')/g),
    );
    expect(written.size).toBeGreaterThan(12);
    for (const name of written) expect(body).toContain(name);
    for (const shown of ['ThrottledRequests', 'ApproximateAgeOfOldestMessage', 'ExecutionsFailed', 'Throttles']) {
      expect(body).toContain(shown);
    }
  });
});
