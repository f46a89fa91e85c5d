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
import { allTasks } from '../../shared/model/job.ts';
import { metricTable, workerService, type metricDimensions, type MetricName } from '../../shared/model/metrics.ts';
import type { JobQueues } from '../queue.ts';
import { namesOf, type Watched, type WatchedFunction } from './watched.ts';

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);

/** No busy hour alone makes a job wait this long. */
const longWait = Duration.hours(6);
/** Events wait behind no run; a burst of 100,000 is done sooner. */
const longWaitOfEvents = Duration.hours(1);
/** Minutes without work before the notice that all is done: longer than the wait of the UPLOAD machine. */
const quietMinutes = 5;

/** Their owners retry single errors; no retry helps against errors that last for a quarter of an hour. */
const lasting = { periods: 3 };

interface AlarmSettings {
  /** the alarm's name, and a heading of docs/runbook.md */
  readonly heading: string;
  readonly meaning: string;
  readonly metric: IMetric;
  /** the threshold: it alarms above it; default 0 */
  readonly over?: number;
  /** periods that are evaluated; default 1 */
  readonly periods?: number;
  /** how many of them must be above the threshold; default all */
  readonly datapoints?: number;
  /** notifies when the alarm ends instead of when it begins */
  readonly notifiesEnd?: boolean;
}

/** Where alarms go, and the notice that all is done; without a topic for notices, none is sent. */
interface AlarmTopics {
  readonly alarms: ITopic;
  readonly notices: ITopic | undefined;
}

/**
 * Alarms on what needs a person, each with its heading in docs/runbook.md, and a notice when all is done. They go to
 * the topics of topic.ts; dashboard.ts shows them above its graphs. Both look at what watched.ts lists.
 */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, watched: Watched, topics: AlarmTopics) {
    super(scope, id);
    const action = new SnsAction(topics.alarms);
    const notice = topics.notices && new SnsAction(topics.notices);
    this.alarms = [...queueAlarms(watched), ...workAlarms(watched), ...functionAlarms(watched), allDone(watched)].map(
      (settings) => {
        const alarm = this.alarm(settings);
        if (!settings.notifiesEnd) alarm.addAlarmAction(action);
        else if (notice) alarm.addOkAction(notice);
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

function queueAlarms({ queues, missed }: Watched): AlarmSettings[] {
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
    {
      heading: 'Events wait too long',
      meaning: `The oldest S3 event has waited for over ${longWaitOfEvents.toMinutes()} minutes.`,
      metric: queues.events.metricApproximateAgeOfOldestMessage({ period: fiveMinutes, statistic: 'Maximum' }),
      over: longWaitOfEvents.toSeconds(),
    },
    {
      heading: 'Jobs not taken',
      meaning: 'Messages have waited for twenty minutes, and neither a function nor a worker has one in hand.',
      metric: notTaken(queues),
      periods: 4,
    },
    {
      heading: 'Starts missed',
      meaning:
        'EventBridge could not start a scheduled run, or the daily sweep; the queue of missed starts says which.',
      metric: missed.metricApproximateNumberOfMessagesVisible({ period: fiveMinutes, statistic: 'Maximum' }),
    },
  ];
}

/**
 * 1 if messages wait all the time and none is in hand: a pool that cannot start, a service that crashes again and again
 * on a machine that is healthy, an event source mapping that is off.
 */
function notTaken({ jobs, events }: JobQueues): MathExpression {
  const least = { period: fiveMinutes, statistic: 'Minimum' };
  const most = { period: fiveMinutes, statistic: 'Maximum' };
  return new MathExpression({
    expression:
      'IF(FILL(jobs, 0) + FILL(events, 0) > 0 AND FILL(jobs_in_hand, 0) + FILL(events_in_hand, 0) == 0, 1, 0)',
    usingMetrics: {
      jobs: jobs.metricApproximateNumberOfMessagesVisible(least),
      events: events.metricApproximateNumberOfMessagesVisible(least),
      jobs_in_hand: jobs.metricApproximateNumberOfMessagesNotVisible(most),
      events_in_hand: events.metricApproximateNumberOfMessagesNotVisible(most),
    },
    label: 'messages wait and none is in hand',
    period: fiveMinutes,
  });
}

function throttledExecutions(machines: Readonly<Record<string, StateMachine>>): MathExpression {
  const usingMetrics = Object.fromEntries(
    Object.entries(machines).map(([name, machine]) => [name, machine.metricThrottled({ period: fiveMinutes })]),
  );
  return new MathExpression({
    expression: sumOf(usingMetrics),
    usingMetrics,
    label: 'transitions that were throttled',
    period: fiveMinutes,
  });
}

function workAlarms({ sync, upload, namespace }: Watched): AlarmSettings[] {
  return [
    {
      heading: 'Machines throttled',
      meaning: 'Step Functions has held up transitions of the machines for a quarter of an hour.',
      metric: throttledExecutions({ sync, upload }),
      ...lasting,
    },
    { heading: 'Runs failed', meaning: 'A run of a task failed.', metric: failedExecutions(sync) },
    {
      heading: 'Uploads failed',
      meaning: 'A large object was given up; its job is in the dead-letter queue.',
      metric: failedExecutions(upload),
    },
    {
      heading: metricTable.JobsPostponed.alarm,
      meaning: 'Jobs cannot be done, because a store, a service or a credential has failed for a quarter of an hour.',
      metric: sumOfServices(namespace, 'JobsPostponed', ['copy-objects', workerService]),
      ...lasting,
    },
    {
      heading: metricTable.SideFailing.alarm,
      meaning: 'A side of a task fails whatever is asked of it. Its jobs wait; one request a minute tries it.',
      metric: sumOfServices(namespace, 'SideFailing', ['copy-objects', 'upload-parts', workerService]),
    },
    {
      heading: metricTable.UploadsSwept.alarm,
      meaning: 'Multipart uploads that had made no progress were found at a destination and aborted.',
      metric: ownMetric(namespace, 'UploadsSwept', { service: 'sweep-uploads', task: allTasks }),
    },
    {
      heading: metricTable.NotificationsMissing.alarm,
      meaning: 'A source bucket does not send the events of a task: its notification was overwritten or removed.',
      metric: ownMetric(namespace, 'NotificationsMissing', { service: 'sweep-uploads', task: allTasks }),
    },
  ];
}

/** What functions and workers counted for all tasks in five minutes. */
function sumOfServices(namespace: string, name: MetricName, services: readonly string[]): MathExpression {
  const usingMetrics = Object.fromEntries(
    services.map((service) => [
      service.replace('-', '_'),
      ownMetric(namespace, name, { service, task: allTasks }).with({ period: fiveMinutes }),
    ]),
  );
  return new MathExpression({
    expression: sumOf(usingMetrics),
    usingMetrics,
    label: metricTable[name].meaning,
    period: fiveMinutes,
  });
}

/** An hour's sum of one of the stack's own metrics. */
function ownMetric(
  namespace: string,
  metricName: MetricName,
  dimensionsMap: Readonly<Record<(typeof metricDimensions)[number], string>>,
): Metric {
  return new Metric({ namespace, metricName, dimensionsMap, statistic: 'Sum', period: Duration.hours(1) });
}

function failedExecutions(machine: StateMachine): MathExpression {
  const usingMetrics = {
    failed: machine.metricFailed({ period: fiveMinutes }),
    timedOut: machine.metricTimedOut({ period: fiveMinutes }),
    aborted: machine.metricAborted({ period: fiveMinutes }),
  };
  return new MathExpression({
    expression: sumOf(usingMetrics),
    usingMetrics,
    label: 'executions that did not succeed',
    period: fiveMinutes,
  });
}

const finders: readonly WatchedFunction[] = ['planSync', 'findObjects'];
/**
 * Called once in a while: an account without room throttles others at the same time. An alarm takes ten metrics at most
 * (CloudWatch User Guide, Create an alarm based on a metric math expression).
 */
const rare: readonly WatchedFunction[] = ['checkDeletes', 'checkRun', 'finishRun'];

function functionAlarms({ functions }: Watched): AlarmSettings[] {
  const names = namesOf(functions);
  const sum = (some: readonly WatchedFunction[], metric: 'Errors' | 'Throttles'): MathExpression => {
    const usingMetrics = Object.fromEntries(
      some.map((name) => [name, functions[name].function.metric(metric, { period: fiveMinutes, statistic: 'Sum' })]),
    );
    return new MathExpression({
      expression: sumOf(usingMetrics),
      usingMetrics,
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
        names.filter((name) => !finders.includes(name) && name !== 'sweepUploads'),
        'Errors',
      ),
      ...lasting,
    },
    {
      heading: 'Sweeper fails',
      meaning: 'Abandoned uploads could not be looked for, or not aborted; or a notification could not be read.',
      metric: sum(['sweepUploads'], 'Errors'),
    },
    {
      heading: 'Functions throttled',
      meaning: 'The account has had no room for calls of functions for a quarter of an hour.',
      metric: sum(
        names.filter((name) => !rare.includes(name)),
        'Throttles',
      ),
      ...lasting,
    },
  ];
}

/**
 * In alarm while there is work: messages that wait, are delayed or in hand, large objects that are being copied. A run
 * that finds nothing is none, or each scheduled run would end in a notice. Its return to "OK" is the notice, sent once,
 * that all of it is done.
 */
function allDone({ queues, functions }: Watched): AlarmSettings {
  const { jobs, events } = queues;
  const most = { period: minute, statistic: 'Maximum' };
  const busy = (name: WatchedFunction): Metric => functions[name].function.metric('ConcurrentExecutions', most);
  const usingMetrics: Record<string, IMetric> = {
    waiting: jobs.metricApproximateNumberOfMessagesVisible(most),
    received: jobs.metricApproximateNumberOfMessagesNotVisible(most),
    events_waiting: events.metricApproximateNumberOfMessagesVisible(most),
    events_received: events.metricApproximateNumberOfMessagesNotVisible(most),
    // Jobs that wait for a side that fails, or for the end of a pause.
    delayed: jobs.metricApproximateNumberOfMessagesDelayed(most),
    planning: busy('planUpload'),
    sending: busy('uploadParts'),
    checking: busy('checkUpload'),
  };
  return {
    heading: 'All done',
    meaning: `There is work. When it returns to OK, nothing has been left to do for ${quietMinutes} minutes.`,
    metric: new MathExpression({
      expression: sumOf(usingMetrics),
      usingMetrics,
      label: 'messages and calls',
      period: minute,
    }),
    periods: quietMinutes,
    datapoints: 1,
    notifiesEnd: true,
  };
}

/** The sum of the metrics, by their names in an expression; one that has no data counts as zero. */
function sumOf(metrics: Readonly<Record<string, IMetric>>): string {
  return Object.keys(metrics)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
}
