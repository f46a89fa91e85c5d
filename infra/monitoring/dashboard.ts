import { Duration, Stack } from 'aws-cdk-lib';
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
import type { Watched } from './watched.ts';

const period = Duration.minutes(5);
/** Columns of a dashboard are 24. */
const half = 12;
const third = 8;

/** What an operator looks at first: what was moved, what waits, what failed. */
export class FerryDashboard extends Construct {
  constructor(scope: Construct, id: string, watched: Watched, alarms: readonly Alarm[]) {
    super(scope, id);
    const { queues, sync, upload, functions, namespace } = watched;
    const own = (title: string, names: readonly string[], statistic = 'Sum'): GraphWidget =>
      graph(
        title,
        names.map((name) => everyTask(namespace, name, statistic)),
        half,
      );
    new Dashboard(this, 'Dashboard', {
      dashboardName: Stack.of(this).stackName,
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 })],
        [
          own('Objects', ['ObjectsCopied', 'ObjectsSkipped', 'ObjectsDeleted', 'ObjectsFailed']),
          own('Bytes', ['BytesCopied', 'BytesSent']),
        ],
        [
          own('Event to done (p50, ms)', ['EventToDone'], 'p50'),
          own('Finder', ['KeysListed', 'JobsFound', 'RunsDone', 'RunsFailed']),
        ],
        [
          graph('Queue', [
            queues.jobs.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum', label: 'waiting' }),
            queues.jobs.metricApproximateNumberOfMessagesNotVisible({
              period,
              statistic: 'Maximum',
              label: 'received',
            }),
            queues.deadLetters.metricApproximateNumberOfMessagesVisible({ period, label: 'dead letters' }),
          ]),
          graph('Age of the oldest job (s)', [
            queues.jobs.metricApproximateAgeOfOldestMessage({ period, statistic: 'Maximum' }),
          ]),
          graph('Ledger: throttles', ledgerThrottles(watched)),
        ],
        [
          graph('Runs', executions(sync)),
          graph('Uploads of large objects', executions(upload)),
          own('Parts and retries', ['PartsSent', 'Retries', 'ExecutionsStarted', 'UploadsSwept']),
        ],
        [
          graph(
            'Function errors',
            Object.values(functions).map((one) => one.function.metricErrors({ period })),
          ),
          graph(
            'Function throttles',
            Object.values(functions).map((one) => one.function.metricThrottles({ period })),
          ),
          graph('Copies at once', [
            functions['copy-objects'].function.metric('ConcurrentExecutions', { period, statistic: 'Maximum' }),
            functions['upload-parts'].function.metric('ConcurrentExecutions', { period, statistic: 'Maximum' }),
          ]),
        ],
      ],
    });
  }
}

function graph(title: string, left: IMetric[], width = third): GraphWidget {
  return new GraphWidget({ title, left, width, height: 6, leftYAxis: { min: 0, showUnits: false } });
}

/** One line a task and service: whoever does the work, functions or workers. */
function everyTask(namespace: string, name: string, statistic: string): MathExpression {
  const search = `{${namespace},service,task} MetricName="${name}"`;
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
