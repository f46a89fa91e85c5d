import { Duration } from 'aws-cdk-lib';
import { AdjustmentType, StepScalingAction, type AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { Alarm, ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { AutoScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Messages a worker has at once before another one joins in: several times what it has in hand. */
export const loadOfOneWorker = 200;
/** Minutes that the queue has to be empty until all workers go. */
const emptyMinutes = 10;

const minute = Duration.minutes(1);

export interface WorkerScalingProps {
  readonly group: AutoScalingGroup;
  readonly jobs: Queue;
  readonly maxInstances: number;
}

/**
 * From no worker to as many as there is work for, and back to none, all at once, when the queue has been empty for a
 * while. "Empty" counts what is in flight too, so that nobody is ended in the middle of an object. Workers are never
 * taken away one by one: which of them has something in hand only they know.
 */
export class WorkerScaling extends Construct {
  readonly emptyAlarm: Alarm;

  constructor(scope: Construct, id: string, { group, jobs, maxInstances }: WorkerScalingProps) {
    super(scope, id);
    const options = { period: minute, statistic: Stats.MAXIMUM };
    const visible = jobs.metricApproximateNumberOfMessagesVisible(options);
    const inFlight = jobs.metricApproximateNumberOfMessagesNotVisible(options);
    const workers = new Metric({
      namespace: 'AWS/AutoScaling',
      metricName: 'GroupDesiredCapacity',
      dimensionsMap: { AutoScalingGroupName: group.autoScalingGroupName },
      ...options,
    });
    // Where there is no worker, one message is as much as one worker's load.
    const load = new MathExpression({
      label: 'messages a worker',
      expression: `(visible + inFlight) / IF(FILL(workers, 0) > 0, workers, 1 / ${loadOfOneWorker})`,
      usingMetrics: { visible, inFlight, workers },
      period: minute,
    });
    const joinIn = new StepScalingAction(this, 'JoinIn', {
      autoScalingGroup: group,
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      // An instance takes about two minutes until it works; those on their way are counted as there.
      estimatedInstanceWarmup: Duration.minutes(3),
    });
    // Bounds count from the alarm's threshold.
    for (const { from, to, add } of stepsOf(maxInstances)) {
      const upperBound = to === undefined ? {} : { upperBound: to - loadOfOneWorker };
      joinIn.addAdjustment({ adjustment: add, lowerBound: from - loadOfOneWorker, ...upperBound });
    }
    const loadAlarm = new Alarm(this, 'Load', {
      alarmDescription: 'S3 Ferry: there is more in the queue than the workers have in hand; more of them are started',
      metric: load,
      threshold: loadOfOneWorker,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // SQS stops telling of a queue that nobody uses.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    loadAlarm.addAlarmAction(new AutoScalingAction(joinIn));

    this.emptyAlarm = new Alarm(this, 'Empty', {
      alarmDescription: 'S3 Ferry: the queue is empty and nothing is in flight; all workers are ended',
      metric: new MathExpression({
        label: 'messages',
        expression: 'visible + inFlight',
        usingMetrics: { visible, inFlight },
        period: minute,
      }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: emptyMinutes,
      // SQS stops telling of a queue that nobody uses: that is no news.
      treatMissingData: TreatMissingData.IGNORE,
    });
    const endAll = new StepScalingAction(this, 'EndAll', {
      autoScalingGroup: group,
      adjustmentType: AdjustmentType.EXACT_CAPACITY,
    });
    endAll.addAdjustment({ adjustment: 0, upperBound: 0 });
    this.emptyAlarm.addAlarmAction(new AutoScalingAction(endAll));
  }
}

/** How many workers come in addition, by the messages that each has. */
function stepsOf(maxInstances: number): { from: number; to?: number; add: number }[] {
  const [some, many] = [10 * loadOfOneWorker, 100 * loadOfOneWorker];
  return [
    { from: loadOfOneWorker, to: some, add: 1 },
    { from: some, to: many, add: Math.min(2, maxInstances) },
    { from: many, add: maxInstances },
  ];
}
