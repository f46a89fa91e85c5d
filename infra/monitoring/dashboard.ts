import { Aws, Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  MathExpression,
  type Alarm,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Operation } from 'aws-cdk-lib/aws-dynamodb';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { metricDimensions, metricsOfGraph, type MetricGraph, type MetricName } from '../../shared/model/metrics.ts';
import { namesOf, type Watched } from './watched.ts';

const period = Duration.minutes(5);
/** Widths in columns: a dashboard has 24. */
const whole = 24;
const half = 12;
const third = 8;

/** What an operator looks at first: what was copied, what waits, what failed. */
export class FerryDashboard extends Construct {
  constructor(scope: Construct, id: string, watched: Watched, alarms: readonly Alarm[]) {
    super(scope, id);
    const { queues, missed, sync, upload, functions, namespace } = watched;
    const own = (title: MetricGraph, statistic = 'Sum'): GraphWidget =>
      graph(
        title,
        metricsOfGraph(title).map((name) => everyTask(namespace, name, statistic)),
        half,
      );
    new Dashboard(this, 'Dashboard', {
      // Dashboards are global: a stack of the same name in another region has its own.
      dashboardName: `${Stack.of(this).stackName}-${Aws.REGION}`,
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: whole, height: 3 })],
        [own('Objects'), own('Bytes')],
        [own('Event to done (p50, ms)', 'p50'), own('Finder')],
        [own('Parts and retries'), own('Workers')],
        [own('Losses'), own('Runs ended')],
        [
          graph('Queue', [
            queues.jobs.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum', label: 'waiting' }),
            queues.jobs.metricApproximateNumberOfMessagesNotVisible({
              period,
              statistic: 'Maximum',
              label: 'received',
            }),
            queues.events.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum', label: 'events' }),
            queues.deadLetters.metricApproximateNumberOfMessagesVisible({ period, label: 'dead letters' }),
            missed.metricApproximateNumberOfMessagesVisible({ period, label: 'missed starts' }),
          ]),
          graph('Age of the oldest message (s)', [
            queues.jobs.metricApproximateAgeOfOldestMessage({ period, statistic: 'Maximum', label: 'jobs' }),
            queues.events.metricApproximateAgeOfOldestMessage({ period, statistic: 'Maximum', label: 'events' }),
          ]),
          graph('Ledger: throttles', ledgerThrottles(watched)),
        ],
        [graph('Runs', executions(sync)), graph('Uploads of large objects', executions(upload))],
        [
          graph(
            'Function errors',
            namesOf(functions).map((name) => functions[name].function.metricErrors({ period })),
          ),
          graph(
            'Function throttles',
            namesOf(functions).map((name) => functions[name].function.metricThrottles({ period })),
          ),
          graph('Copies at once', [
            functions.copyObjects.function.metric('ConcurrentExecutions', { period, statistic: 'Maximum' }),
            functions.uploadParts.function.metric('ConcurrentExecutions', { period, statistic: 'Maximum' }),
          ]),
        ],
      ],
    });
  }
}

function graph(title: string, left: IMetric[], width = third): GraphWidget {
  return new GraphWidget({ title, left, width, height: 6, leftYAxis: { min: 0, showUnits: false } });
}

/** One line per service and task, whether functions or workers do the work. */
function everyTask(namespace: string, name: MetricName, statistic: string): MathExpression {
  // CloudWatch User Guide, search expression syntax: other than letters and digits need quotes.
  const schema = [namespace, ...metricDimensions].map((part) => (/^[\w/]+$/.test(part) ? part : `"${part}"`));
  const search = `{${schema.join(',')}} MetricName="${name}"`;
  return new MathExpression({
    expression: `SEARCH('${search}', '${statistic}', ${period.toSeconds()})`,
    usingMetrics: {},
    label: name,
    period,
  });
}

function executions(machine: StateMachine): IMetric[] {
  return [
    machine.metricStarted({ period, label: 'started' }),
    machine.metricSucceeded({ period, label: 'succeeded' }),
    machine.metricFailed({ period, label: 'failed' }),
    machine.metricTimedOut({ period, label: 'timed out' }),
  ];
}

function ledgerThrottles({ ledger }: Watched): IMetric[] {
  const operations = [Operation.GET_ITEM, Operation.PUT_ITEM, Operation.UPDATE_ITEM];
  return operations.map((operation) =>
    ledger.table.metricThrottledRequestsForOperation(operation, { period, label: operation }),
  );
}
