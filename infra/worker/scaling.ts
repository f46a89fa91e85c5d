import { Duration } from 'aws-cdk-lib';
import { AdjustmentType, StepScalingAction, type AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { Alarm, ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { AutoScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Messages per worker from which another worker is added: several times what one handles at once. */
export const loadOfOneWorker = 200;
/** Minutes for which the queue must be empty before all workers are removed. */
const emptyMinutes = 10;

const minute = Duration.minutes(1);

/** Messages of the queue. */
type Messages = Readonly<Record<'visible' | 'inFlight', Metric>>;

export interface WorkerScalingProps {
  readonly group: AutoScalingGroup;
  readonly jobs: Queue;
  readonly maxInstances: number;
}

/**
 * Adds workers by the messages per worker, and removes all of them at once when the queue has been empty for a while.
 * Messages in flight count too, so that no worker is removed in the middle of an object. Workers are never removed one
 * by one, because only a worker itself knows what it holds (docs/decisions/0009-scale-in-all-workers-at-once.md).
 */
export class WorkerScaling extends Construct {
  readonly emptyAlarm: Alarm;

  constructor(scope: Construct, id: string, props: WorkerScalingProps) {
    super(scope, id);
    const options = { period: minute, statistic: Stats.MAXIMUM };
    const messages = {
      visible: props.jobs.metricApproximateNumberOfMessagesVisible(options),
      inFlight: props.jobs.metricApproximateNumberOfMessagesNotVisible(options),
    };
    this.addWorkers(props, messages);
    this.emptyAlarm = this.removeWorkers(props, messages);
  }

  private addWorkers({ group, maxInstances }: WorkerScalingProps, messages: Messages): void {
    const workers = new Metric({
      namespace: 'AWS/AutoScaling',
      metricName: 'GroupDesiredCapacity',
      dimensionsMap: { AutoScalingGroupName: group.autoScalingGroupName },
      period: minute,
      statistic: Stats.MAXIMUM,
    });
    // Without workers, one message counts as the full load of one.
    const load = new MathExpression({
      label: 'messages a worker',
      expression: `(visible + inFlight) / IF(FILL(workers, 0) > 0, workers, 1 / ${loadOfOneWorker})`,
      usingMetrics: { ...messages, workers },
      period: minute,
    });
    const joinIn = new StepScalingAction(this, 'JoinIn', {
      autoScalingGroup: group,
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      // An instance needs about two minutes to start; instances that are starting count as workers.
      estimatedInstanceWarmup: Duration.minutes(3),
    });
    // Bounds are relative to the alarm's threshold.
    for (const { from, to, add } of stepsOf(maxInstances)) {
      const upperBound = to === undefined ? {} : { upperBound: to - loadOfOneWorker };
      joinIn.addAdjustment({ adjustment: add, lowerBound: from - loadOfOneWorker, ...upperBound });
    }
    const alarm = new Alarm(this, 'Load', {
      alarmDescription: 'S3 Ferry: there is more in the queue than the workers have in hand; more of them are started',
      metric: load,
      threshold: loadOfOneWorker,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // SQS stops publishing metrics of an unused queue.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new AutoScalingAction(joinIn));
  }

  private removeWorkers({ group }: WorkerScalingProps, messages: Messages): Alarm {
    const alarm = new Alarm(this, 'Empty', {
      alarmDescription: 'S3 Ferry: the queue is empty and nothing is in flight; all workers are ended',
      metric: new MathExpression({
        label: 'messages',
        expression: 'visible + inFlight',
        usingMetrics: messages,
        period: minute,
      }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: emptyMinutes,
      // SQS stops publishing metrics of an unused queue: the state does not change.
      treatMissingData: TreatMissingData.IGNORE,
    });
    const endAll = new StepScalingAction(this, 'EndAll', {
      autoScalingGroup: group,
      adjustmentType: AdjustmentType.EXACT_CAPACITY,
    });
    endAll.addAdjustment({ adjustment: 0, upperBound: 0 });
    alarm.addAlarmAction(new AutoScalingAction(endAll));
    return alarm;
  }
}

/** How many workers are added, by the messages per worker. */
function stepsOf(maxInstances: number): { from: number; to?: number; add: number }[] {
  const [some, many] = [10 * loadOfOneWorker, 100 * loadOfOneWorker];
  return [
    { from: loadOfOneWorker, to: some, add: 1 },
    { from: some, to: many, add: Math.min(2, maxInstances) },
    { from: many, add: maxInstances },
  ];
}
