import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { taskNameSchema } from '../../shared/model/job.ts';
import { metricDimensions, metricTable, type MetricDefinition } from '../../shared/model/metrics.ts';
import { evaluate } from '../support/metric-math.ts';
import { plain, resourcesOf, synthesize, type Template } from '../support/synthesize.ts';

interface Alarm {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly AlarmActions?: readonly string[];
  readonly OKActions?: readonly string[];
  readonly TreatMissingData: string;
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Metrics?: readonly {
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: { MetricName: string; Namespace: string } };
  }[];
}

interface Graph {
  readonly title: string;
  /** the expressions of its lines, one after another */
  readonly expressions: string;
}

let template: Template;
let alarms: Alarm[];
let headings: string[];
let graphs: Graph[];

beforeAll(() => {
  template = synthesize();
  alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => plain(Properties) as Alarm);
  headings = [...readFileSync('docs/runbook.md', 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
  graphs = graphsOf(template);
});

describe('alarms', () => {
  it('have a heading each in the runbook, and each heading has an alarm', () => {
    const names = alarms.map(({ AlarmName }) => AlarmName.replace(/^S3Ferry: /, ''));
    expect(names.length).toBeGreaterThan(8);
    // The last headings belong to commands.
    expect(headings.slice(-3)).toEqual(['Pause, resume, cancel', 'Runs', 'Audit']);
    expect(headings.slice(0, -3).sort()).toEqual(names.sort());
  });

  it('read as many metrics as the price of an idle stack is made of', () => {
    const read = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => {
      const { Metrics } = Properties as { Metrics?: { MetricStat?: unknown }[] };
      return Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1;
    });
    const count = read.reduce((sum, one) => sum + one, 0);
    const price = `Alarms read ${count} metrics: ${(count / 10).toFixed(2)}.`;
    expect(readFileSync('docs/deployment.md', 'utf8').replace(/\s+/g, ' ')).toContain(price);
  });

  it("end their descriptions with the heading's address", () => {
    for (const { AlarmName, AlarmDescription } of alarms) {
      const anchor = AlarmName.replace(/^S3Ferry: /, '')
        .toLowerCase()
        .replaceAll(' ', '-');
      expect(AlarmDescription).toMatch(new RegExp(`What to do: docs/runbook\\.md#${anchor}$`));
    }
  });

  it('notify the topic when they begin; without an address there is no notice that all is done', () => {
    for (const { AlarmName, AlarmActions = [], OKActions = [], TreatMissingData } of alarms) {
      const isNotice = AlarmName === 'S3Ferry: All done';
      expect([AlarmName, AlarmActions, OKActions]).toEqual([AlarmName, isNotice ? [] : ['<AlarmTopic>'], []]);
      expect(TreatMissingData).toBe('notBreaching');
    }
  });

  it('send the notice that all is done to a topic of its own, when it ends, if there is an address for it', () => {
    const task = { name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' } };
    const stack = { alarmEmail: 'alarms@example.com', noticeEmail: 'notices@example.com' };
    const noticing = synthesize({ configuration: { tasks: [task], stack } });
    const notices = resourcesOf(noticing, 'AWS::CloudWatch::Alarm')
      .map(({ Properties }) => plain(Properties) as Alarm)
      .flatMap(({ AlarmName, OKActions = [] }) => OKActions.map((action) => [AlarmName, action]));
    expect(notices).toEqual([['S3Ferry: All done', '<NoticeTopic>']]);
    const subscriptions = resourcesOf(noticing, 'AWS::SNS::Subscription').map(({ Properties }) => plain(Properties));
    expect(subscriptions).toEqual([
      expect.objectContaining({ TopicArn: '<AlarmTopic>', Endpoint: 'alarms@example.com' }),
      expect.objectContaining({ TopicArn: '<NoticeTopic>', Endpoint: 'notices@example.com' }),
    ]);
  });

  it('count what has not been published as nothing, in each sum', () => {
    const sums = resourcesOf(template, 'AWS::CloudWatch::Alarm').flatMap(({ Properties }) =>
      ((Properties as { Metrics?: { Expression?: string }[] }).Metrics ?? []).flatMap(
        ({ Expression }) => Expression ?? [],
      ),
    );
    expect(sums.length).toBeGreaterThan(4);
    // Each metric of an expression is filled, whatever is done with it.
    for (const sum of sums) expect(sum.replaceAll(/FILL\(\w+, 0\)/g, '0')).toMatch(/^(IF\()?[0-9+>=,() AND]+$/);
  });

  it.each([
    ['nothing waits', { visible: 0, inFlight: 0 }, 0],
    ['messages are in hand', { visible: 5, inFlight: 1 }, 0],
    ['messages wait, and none is in hand', { visible: 5, inFlight: 0 }, 1],
  ])('tell whether anything takes jobs: %s', (_, { visible, inFlight }, value) => {
    const { Metrics = [] } = alarms.find(({ AlarmName }) => AlarmName === 'S3Ferry: Jobs not taken') ?? {};
    const expression = Metrics.find(({ Expression }) => Expression !== undefined)?.Expression ?? '';
    const empty = { events: [undefined], events_in_hand: [undefined] };
    expect(evaluate(expression, { jobs: [visible], jobs_in_hand: [inFlight], ...empty })).toEqual([value]);
  });

  it('do not take a run that finds nothing for work', () => {
    const done = resourcesOf(template, 'AWS::CloudWatch::Alarm').find(({ Properties }) =>
      JSON.stringify(Properties).includes('All done'),
    );
    expect(JSON.stringify(done)).not.toContain('FindObjects');
  });

  it('have a topic to which only CloudWatch of this account publishes, over TLS', () => {
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

describe('the table of metrics', () => {
  const metrics: readonly [string, MetricDefinition][] = Object.entries(metricTable);

  it.each(metrics)('has %s on the dashboard, in the graph that it names', (name, { graph }) => {
    const search = `{S3Ferry/S3Ferry,${metricDimensions.join(',')}} MetricName="${name}"`;
    const showing = graphs.filter(({ expressions }) => expressions.includes(search));
    expect(showing.map(({ title }) => title)).toEqual([graph]);
  });

  it('has every metric of the stack that the dashboard shows', () => {
    const shown = graphs.flatMap(({ expressions }) => [...expressions.matchAll(/MetricName="(\w+)"/g)]);
    expect(shown.map(([, name]) => name).sort()).toEqual(Object.keys(metricTable).sort());
  });

  it.each(metrics)('names the alarm that looks at %s, if there is one', (name, { alarm }) => {
    const looking = alarms.filter(({ MetricName, Namespace, Metrics = [] }) =>
      [{ MetricName, Namespace }, ...Metrics.map(({ MetricStat }) => MetricStat?.Metric)].some(
        (metric) => metric?.MetricName === name && metric.Namespace === 'S3Ferry/S3Ferry',
      ),
    );
    expect(looking.map(({ AlarmName }) => AlarmName)).toEqual(alarm === undefined ? [] : [`S3Ferry: ${alarm}`]);
  });

  it('has stand-ins that no task can be named', () => {
    const standIns = metrics.flatMap(([, { standIn }]) => standIn ?? []);
    expect(standIns.length).toBeGreaterThan(3);
    for (const standIn of standIns) expect(v.is(taskNameSchema, standIn)).toBe(false);
  });
});

describe('the dashboard', () => {
  it('has the region in its name, because dashboards are global', () => {
    const [dashboard] = resourcesOf(template, 'AWS::CloudWatch::Dashboard');
    expect(plain(dashboard?.Properties)).toMatchObject({ DashboardName: 'S3Ferry-<Region>' });
  });

  it("quotes the stack's name where a search needs it", () => {
    const shown = graphsOf(synthesize({ context: { stack: 'photos-prod' } })).flatMap(({ expressions }) => expressions);
    expect(shown.join('\n')).toContain('{"S3Ferry/photos-prod",service,task} MetricName=');
  });

  it.each(['ThrottledRequests', 'ApproximateAgeOfOldestMessage', 'ExecutionsFailed', 'Throttles'])(
    'shows the %s of the services',
    (metric) => {
      const [dashboard] = resourcesOf(template, 'AWS::CloudWatch::Dashboard');
      expect(JSON.stringify(plain(dashboard?.Properties))).toContain(metric);
    },
  );
});

function graphsOf(from: Template): Graph[] {
  const [dashboard] = resourcesOf(from, 'AWS::CloudWatch::Dashboard');
  const { DashboardBody } = plain(dashboard?.Properties) as { DashboardBody: string };
  const { widgets } = JSON.parse(DashboardBody) as {
    widgets: { properties: { title: string; metrics?: { expression?: string }[][] } }[];
  };
  return widgets.map(({ properties: { title, metrics = [] } }) => ({
    title,
    expressions: metrics
      .flat()
      .flatMap(({ expression }) => expression ?? [])
      .join('\n'),
  }));
}
