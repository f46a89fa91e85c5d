import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  MathExpression,
  Metric,
  TreatMissingData,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Watched, WatchedFunction } from './watched.ts';

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);

/** A job that waits this long is not held up by a busy hour any more, but by something. */
const longWait = Duration.hours(6);
/** How long nothing may be under way until it is said that all is done: longer than the upload machine's wait. */
const quietMinutes = 5;

interface AlarmSettings {
  /** the alarm's name, and a heading of docs/runbook.md */
  readonly heading: string;
  readonly meaning: string;
  readonly metric: IMetric;
  /** alarms when the metric is over it; default 0 */
  readonly over?: number;
  /** periods that are looked at; default 1 */
  readonly periods?: number;
  /** how many of them must be over it; default all */
  readonly datapoints?: number;
  /** tells when it becomes good again instead of when it becomes bad */
  readonly tellsEnd?: boolean;
}

/** Alarms on what needs a person, each with its heading in docs/runbook.md, and a notice when all is done. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, watched: Watched, topic: ITopic) {
    super(scope, id);
    const action = new SnsAction(topic);
    this.alarms = [...queueAlarms(watched), ...workAlarms(watched), ...functionAlarms(watched), allDone(watched)].map(
      (settings) => {
        const alarm = this.alarm(settings);
        if (settings.tellsEnd) alarm.addOkAction(action);
        else alarm.addAlarmAction(action);
        return alarm;
      },
    );
  }

  private alarm({ heading, meaning, metric, over = 0, periods = 1, datapoints = periods }: AlarmSettings): Alarm {
    const anchor = heading.toLowerCase().replaceAll(' ', '-');
    return new Alarm(this, heading.replaceAll(' ', ''), {
      alarmName: `${Stack.of(this).stackName}: ${heading}`,
      alarmDescription: `${meaning} What to do: docs/runbook.md#${anchor}`,
      metric,
      threshold: over,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      datapointsToAlarm: datapoints,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

function queueAlarms({ queues }: Watched): AlarmSettings[] {
  return [
    {
      heading: 'Dead letters',
      meaning: 'Jobs failed for good and wait in the dead-letter queue.',
      metric: queues.deadLetters.metricApproximateNumberOfMessagesVisible({ period: minute, statistic: 'Maximum' }),
    },
    {
      heading: 'Jobs wait too long',
      meaning: `The oldest job has been in the queue for over ${longWait.toHours()} hours.`,
      metric: queues.jobs.metricApproximateAgeOfOldestMessage({ period: fiveMinutes, statistic: 'Maximum' }),
      over: longWait.toSeconds(),
    },
  ];
}

function workAlarms({ sync, upload, namespace }: Watched): AlarmSettings[] {
  return [
    { heading: 'Runs failed', meaning: 'A run of a task failed.', metric: failedExecutions(sync) },
    {
      heading: 'Uploads failed',
      meaning: 'A large object was given up; its job is in the dead-letter queue.',
      metric: failedExecutions(upload),
    },
    {
      heading: 'Uploads abandoned',
      meaning: 'Multipart uploads that nobody went on with were found at a destination and aborted.',
      metric: new Metric({
        namespace,
        metricName: 'UploadsSwept',
        dimensionsMap: { service: 'sweep-uploads', task: '(all)' },
        statistic: 'Sum',
        period: Duration.hours(1),
      }),
    },
  ];
}

function failedExecutions(machine: StateMachine): MathExpression {
  return new MathExpression({
    expression: 'failed + timedOut + aborted',
    usingMetrics: {
      failed: machine.metricFailed({ period: fiveMinutes }),
      timedOut: machine.metricTimedOut({ period: fiveMinutes }),
      aborted: machine.metricAborted({ period: fiveMinutes }),
    },
    label: 'executions that did not succeed',
    period: fiveMinutes,
  });
}

/** Single errors are tried again by their owners; what lasts for a quarter of an hour is not. */
const lasting = { periods: 3 };
const finders: readonly WatchedFunction[] = ['plan-sync', 'find-objects'];

function functionAlarms({ functions }: Watched): AlarmSettings[] {
  const names = Object.keys(functions) as WatchedFunction[];
  const sum = (some: readonly WatchedFunction[], metric: 'Errors' | 'Throttles'): MathExpression => {
    const metrics = some.map((name) => [
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
      functions[name].function.metric(metric, { period: fiveMinutes, statistic: 'Sum' }),
    ]) as [string, IMetric][];
    return new MathExpression({
      expression: metrics.map(([name]) => `FILL(${name}, 0)`).join(' + '),
      usingMetrics: Object.fromEntries(metrics),
      label: metric,
      period: fiveMinutes,
    });
  };
  return [
    {
      heading: 'Finder fails',
      meaning: 'Functions that plan a run or find its objects have failed for a quarter of an hour.',
      metric: sum(finders, 'Errors'),
      ...lasting,
    },
    {
      heading: 'Functions fail',
      meaning: 'Functions have failed for a quarter of an hour.',
      metric: sum(
        names.filter((name) => !finders.includes(name) && name !== 'sweep-uploads'),
        'Errors',
      ),
      ...lasting,
    },
    {
      heading: 'Sweeper fails',
      meaning: 'Uploads that were left behind could not be looked for, or not aborted.',
      metric: sum(['sweep-uploads'], 'Errors'),
    },
    {
      heading: 'Functions throttled',
      meaning: 'The account has had no room for calls of functions for a quarter of an hour.',
      metric: sum(names, 'Throttles'),
      ...lasting,
    },
  ];
}

/**
 * In alarm while there is work: messages that wait or are being worked on, runs that are finding some, large objects on
 * their way. It is the way back to "OK" that tells, once, when all of it is done.
 */
function allDone({ queues, functions }: Watched): AlarmSettings {
  const { jobs } = queues;
  const most = { period: minute, statistic: 'Maximum' };
  const busy = (name: WatchedFunction): Metric => functions[name].function.metric('ConcurrentExecutions', most);
  const usingMetrics: Record<string, IMetric> = {
    waiting: jobs.metricApproximateNumberOfMessagesVisible(most),
    received: jobs.metricApproximateNumberOfMessagesNotVisible(most),
    finding: busy('find-objects'),
    planning: busy('plan-upload'),
    sending: busy('upload-parts'),
    checking: busy('check-upload'),
  };
  return {
    heading: 'All done',
    meaning: `There is work. When it is OK again, nothing has been left to do for ${quietMinutes} minutes.`,
    metric: new MathExpression({
      expression: Object.keys(usingMetrics)
        .map((name) => `FILL(${name}, 0)`)
        .join(' + '),
      usingMetrics,
      label: 'messages and calls',
      period: minute,
    }),
    periods: quietMinutes,
    datapoints: 1,
    tellsEnd: true,
  };
}
