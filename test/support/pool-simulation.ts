import { resourcesOf, type Template } from './synthesize.ts';
import { evaluate } from './metric-math.ts';

/**
 * A queue and a pool of workers in virtual minutes. The pool's size is decided by the alarms and the scaling policies of
 * a synthesized template, as CloudWatch and EC2 Auto Scaling would evaluate them.
 */

interface Metric {
  readonly Id: string;
  readonly Expression?: string;
  readonly ReturnData?: boolean;
  readonly MetricStat?: { readonly Metric: { readonly MetricName: string; readonly Dimensions: readonly unknown[] } };
}

interface Alarm {
  readonly Metrics: readonly Metric[];
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly ComparisonOperator: string;
  readonly TreatMissingData: string;
  readonly AlarmActions?: readonly { readonly Ref: string }[];
}

interface Policy {
  readonly AdjustmentType: 'ChangeInCapacity' | 'PercentChangeInCapacity';
  readonly MetricAggregationType: 'Maximum' | 'Minimum';
  readonly EstimatedInstanceWarmup?: number;
  readonly StepAdjustments: readonly {
    readonly MetricIntervalLowerBound?: number;
    readonly MetricIntervalUpperBound?: number;
    readonly ScalingAdjustment: number;
  }[];
}

/** The rules of a template's pool. */
export interface PoolRules {
  readonly alarms: readonly { readonly alarm: Alarm; readonly policy: Policy }[];
  readonly maxInstances: number;
}

export function poolRules(template: Template): PoolRules {
  const [group] = resourcesOf(template, 'AWS::AutoScaling::AutoScalingGroup');
  const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').flatMap(({ Properties }) => {
    const alarm = Properties as Alarm;
    const resource = template.Resources[alarm.AlarmActions?.[0]?.Ref ?? ''];
    if (resource?.Type !== 'AWS::AutoScaling::ScalingPolicy') return [];
    return [{ alarm, policy: resource.Properties as Policy }];
  });
  return { alarms, maxInstances: Number((group!.Properties as { MaxSize: string }).MaxSize) };
}

/** What happens outside of the pool. */
export interface World {
  readonly minutes: number;
  /** messages that arrive in a minute */
  readonly arrivals: (minute: number) => number;
  /** messages that one worker finishes in a minute */
  readonly workerRate: number;
  /** messages that functions finish in a minute, while there are any */
  readonly functionRate?: number;
  /** messages that fail: each is hidden for 15 minutes between its deliveries, five of them */
  readonly poisoned?: number;
  /** minutes after which a metric can be seen; default 1 */
  readonly metricDelay?: number;
  /** do instances that still end count as capacity when others are removed? As documented; false is the worst case */
  readonly endingCounts?: boolean;
}

export interface Minute {
  /** workers that the group is to have */
  readonly workers: number;
  /** messages, visible and in flight */
  readonly messages: number;
}

/** What a worker takes at once: two processes of 16 objects. */
const inHand = 32;
/** What functions take of one queue at once: 100 calls of 10 messages. */
const functionsInHand = 1_000;
/** Minutes until a started instance works, and until an ended one is gone. */
const startMinutes = 2;
const endMinutes = 2;
/** Minutes that the longest rule looks at, and some more for data that is late. */
const lookBackMinutes = 15;
/** 15 minutes hidden, five times. */
const poisonedMinutes = 75;

/** @returns each minute */
export function simulatePool({ alarms, maxInstances }: PoolRules, world: World): Minute[] {
  const { metricDelay = 1, endingCounts = true, poisoned = 0, functionRate = 0 } = world;
  const history: Minute[] = [];
  const states = alarms.map(() => false);
  let startedAt: number[] = [];
  let endedAt: number[] = [];
  let left = 0;
  for (let now = 0; now < world.minutes; now++) {
    left += world.arrivals(now);
    const working = startedAt.filter((at) => now - at >= startMinutes).length;
    const byFunctions = Math.min(left, functionRate);
    const byWorkers = Math.min(left - byFunctions, working * world.workerRate);
    left -= byFunctions + byWorkers;
    const hidden = now < poisonedMinutes ? poisoned : 0;
    // Little's law: what is finished in a minute was in hand for as long as one message takes.
    const inFlight =
      (byFunctions / functionRate || 0) * functionsInHand + (byWorkers / world.workerRate) * inHand + hidden;
    const messages = Math.round(left + inFlight);
    history.push({ workers: startedAt.length, messages });
    endedAt = endedAt.filter((at) => now - at < endMinutes);

    const seen = history.slice(0, Math.max(0, history.length - metricDelay)).slice(-lookBackMinutes);
    const targets = alarms.flatMap(({ alarm, policy }, index) => {
      // The newest minute has no data yet.
      const latest = [undefined];
      const series: Record<string, (number | undefined)[]> = {
        ApproximateNumberOfMessagesVisible: [...seen.map(({ messages: all }) => all), ...latest],
        ApproximateNumberOfMessagesNotVisible: [...seen.map(() => 0), ...latest],
        GroupDesiredCapacity: [...seen.map(({ workers }) => workers), ...latest],
      };
      const breaching = breachingValues(alarm, valuesOf(alarm, series), states[index]!);
      states[index] = breaching.length > 0;
      if (breaching.length === 0) return [];
      return [targetOf(policy, breaching, alarm.Threshold, { now, startedAt, endedAt, endingCounts })];
    });
    if (targets.length === 0) continue;
    // "chooses the policy that provides the largest capacity" (EC2 Auto Scaling User Guide: Dynamic scaling).
    const target = Math.min(maxInstances, Math.max(0, ...targets));
    if (target >= startedAt.length) startedAt.push(...Array.from({ length: target - startedAt.length }, () => now));
    else {
      endedAt.push(...startedAt.slice(target).map(() => now));
      startedAt = startedAt.slice(0, target);
    }
  }
  return history;
}

/** The values of the alarm's metric, of as many minutes as there is data. */
function valuesOf(alarm: Alarm, byName: Readonly<Record<string, (number | undefined)[]>>): (number | undefined)[] {
  const series: Record<string, readonly (number | undefined)[]> = {};
  const open = [...alarm.Metrics];
  // Expressions use others in any order.
  while (open.length > 0) {
    const ready = open.findIndex(({ Expression }) =>
      open.every(({ Id }) => !new RegExp(`\\b${Id}\\b`).test(Expression ?? '')),
    );
    const [{ Id, Expression, MetricStat }] = open.splice(ready, 1) as [Metric];
    series[Id] = Expression === undefined ? dataOf(MetricStat!.Metric, byName) : evaluate(Expression, series);
  }
  const { Id } = alarm.Metrics.find(({ ReturnData }) => ReturnData !== false)!;
  return [...series[Id]!];
}

/** Data of a metric. The queue of events stays empty here: its messages count as those of the other one. */
function dataOf(
  { MetricName, Dimensions }: NonNullable<Metric['MetricStat']>['Metric'],
  byName: Readonly<Record<string, (number | undefined)[]>>,
): (number | undefined)[] {
  const data = byName[MetricName]!;
  return JSON.stringify(Dimensions).includes('QueuesEvents') ? data.map((value) => value && 0) : data;
}

/** The values that count, if they put the alarm in ALARM; none otherwise. */
function breachingValues(alarm: Alarm, values: (number | undefined)[], before: boolean): number[] {
  if (alarm.ComparisonOperator !== 'GreaterThanOrEqualToThreshold') throw new Error('unknown comparison');
  // Minutes without data are skipped in favour of older ones, as far as those go.
  const known = values.filter((value) => value !== undefined).slice(-alarm.EvaluationPeriods);
  if (known.length < alarm.EvaluationPeriods) return before && alarm.TreatMissingData === 'ignore' ? known : [];
  const counting = known.filter((value) => value >= alarm.Threshold);
  return counting.length >= alarm.DatapointsToAlarm ? counting : [];
}

interface Capacity {
  readonly now: number;
  readonly startedAt: readonly number[];
  readonly endedAt: readonly number[];
  readonly endingCounts: boolean;
}

/** The capacity that a policy asks for (EC2 Auto Scaling User Guide: Step and simple scaling policies). */
function targetOf(policy: Policy, values: readonly number[], threshold: number, capacity: Capacity): number {
  const { now, startedAt, endedAt, endingCounts } = capacity;
  const value = (policy.MetricAggregationType === 'Maximum' ? Math.max : Math.min)(...values) - threshold;
  const step = policy.StepAdjustments.find(
    ({ MetricIntervalLowerBound: from = -Infinity, MetricIntervalUpperBound: to = Infinity }) =>
      value >= from && value < to,
  );
  const change = step?.ScalingAdjustment ?? 0;
  if (policy.AdjustmentType === 'ChangeInCapacity') {
    // Instances that warm up are not counted when others are added, and never removed by that.
    const warm = startedAt.filter((at) => (now - at) * 60 >= (policy.EstimatedInstanceWarmup ?? 0)).length;
    return Math.max(startedAt.length, warm + change);
  }
  // Instances that still end count, so that no more are removed than was decided.
  const current = startedAt.length + (endingCounts ? endedAt.length : 0);
  const exact = (current * change) / 100;
  return Math.min(startedAt.length, current + (exact > -1 && exact < 0 ? -1 : Math.trunc(exact)));
}
