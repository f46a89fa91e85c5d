import { Duration } from 'aws-cdk-lib';
import {
  AdjustmentType,
  MetricAggregationType,
  StepScalingAction,
  type AutoScalingGroup,
} from 'aws-cdk-lib/aws-autoscaling';
import {
  Alarm,
  ComparisonOperator,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { AutoScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import type { JobQueues } from '../queue.ts';
import {
  growthRule,
  growthSteps,
  shrinkPercent,
  shrinkRule,
  type Consumers,
  type ScalingRule,
} from './scaling-rules.ts';

const minute = Duration.minutes(1);

export interface WorkerScalingProps {
  readonly group: AutoScalingGroup;
  readonly queues: JobQueues;
  readonly consumers: Consumers;
  readonly maxInstances: number;
}

/**
 * The number of workers follows the load both ways, by the rules of scaling-rules.ts. A worker that is removed gives
 * its messages back, and parts that have arrived are not sent again
 * (docs/decisions/0040-the-pool-follows-the-load-both-ways.md).
 */
export class WorkerScaling extends Construct {
  constructor(scope: Construct, id: string, { group, queues, consumers, maxInstances }: WorkerScalingProps) {
    super(scope, id);
    const options = { period: minute, statistic: Stats.MAXIMUM };
    const metrics = {
      visible: queues.jobs.metricApproximateNumberOfMessagesVisible(options),
      inFlight: queues.jobs.metricApproximateNumberOfMessagesNotVisible(options),
      eventsVisible: queues.events.metricApproximateNumberOfMessagesVisible(options),
      eventsInFlight: queues.events.metricApproximateNumberOfMessagesNotVisible(options),
      workers: new Metric({
        namespace: 'AWS/AutoScaling',
        metricName: 'GroupDesiredCapacity',
        dimensionsMap: { AutoScalingGroupName: group.autoScalingGroupName },
        ...options,
      }),
    };
    this.grow(group, this.alarm('Load', growthRule(consumers), metrics), growthSteps(maxInstances));
    this.shrink(group, this.alarm('Spare', shrinkRule(consumers), metrics));
  }

  private alarm(id: 'Load' | 'Spare', rule: ScalingRule, metrics: Readonly<Record<string, IMetric>>): Alarm {
    const grows = id === 'Load';
    return new Alarm(this, id, {
      alarmDescription: grows
        ? 'S3 Ferry: there is more in the queue than the workers have in hand; more of them are started'
        : 'S3 Ferry: there is less in the queue than the workers can do; some of them are ended',
      metric: expressionOf(rule, metrics),
      threshold: rule.threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: rule.minutes,
      datapointsToAlarm: rule.counting,
      // SQS stops publishing metrics of an unused queue: nothing is added, and the number of workers stays.
      treatMissingData: grows ? TreatMissingData.NOT_BREACHING : TreatMissingData.IGNORE,
    });
  }

  private grow(group: AutoScalingGroup, alarm: Alarm, steps: ReturnType<typeof growthSteps>): void {
    const joinIn = new StepScalingAction(this, 'JoinIn', {
      autoScalingGroup: group,
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      // Of the minutes that the alarm looks at, some may be filled with zero.
      metricAggregationType: MetricAggregationType.MAXIMUM,
      // An instance needs about two minutes to start. Until then each further step adds only what exceeds the last one.
      estimatedInstanceWarmup: Duration.minutes(3),
    });
    const [{ from: threshold } = { from: 0 }] = steps;
    steps.forEach(({ from, add }, index) => {
      const next = steps[index + 1];
      // Bounds are relative to the alarm's threshold.
      const upperBound = next === undefined ? {} : { upperBound: next.from - threshold };
      joinIn.addAdjustment({ adjustment: add, lowerBound: from - threshold, ...upperBound });
    });
    alarm.addAlarmAction(new AutoScalingAction(joinIn));
  }

  private shrink(group: AutoScalingGroup, alarm: Alarm): void {
    const leave = new StepScalingAction(this, 'Leave', {
      autoScalingGroup: group,
      // Less than one worker counts as one (Amazon EC2 Auto Scaling User Guide: Scaling adjustment types).
      adjustmentType: AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
      metricAggregationType: MetricAggregationType.MINIMUM,
    });
    leave.addAdjustment({ adjustment: -shrinkPercent, lowerBound: 0 });
    alarm.addAlarmAction(new AutoScalingAction(leave));
  }
}

/** The last expression of a rule. Each uses the metrics and the expressions before it. */
function expressionOf({ expressions }: ScalingRule, metrics: Readonly<Record<string, IMetric>>): IMetric {
  const known: Record<string, IMetric> = { ...metrics };
  let last: MathExpression | undefined;
  for (const [name, expression] of Object.entries(expressions)) {
    const used = Object.entries(known).filter(([other]) => new RegExp(`\\b${other}\\b`).test(expression));
    const usingMetrics = Object.fromEntries(used);
    known[name] = last = new MathExpression({ expression, usingMetrics, label: name, period: minute });
  }
  if (!last) throw new Error('a scaling rule has at least one expression');
  return last;
}
