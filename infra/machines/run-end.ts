import { Duration } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import {
  Choice,
  Condition,
  Fail,
  JitterType,
  JsonPath,
  Pass,
  TaskInput,
  Wait,
  WaitTime,
  type IChainable,
  type INextable,
  type RetryProps,
  type State,
} from 'aws-cdk-lib/aws-stepfunctions';
import { EventBridgePutEvents, SnsPublish, type LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { runEndDetailType, runEndSource } from '../../shared/model/run-summary.ts';
import type { FerryFunction } from '../function.ts';
import { call } from './call.ts';
import { lasting } from './retries.ts';

/**
 * How a run ends: it waits for its jobs, is recorded, and its end is announced. A standard execution runs each state
 * once, "unless you have specified Retry behavior" (Step Functions Developer Guide, Choosing workflow type): so an end
 * is announced once, but for an announcement whose answer is lost. Its event names the run, so a receiver can tell.
 */

/** Announcements that fail are repeated for a quarter of an hour. */
const telling: RetryProps = {
  interval: Duration.seconds(5),
  backoffRate: 2,
  maxDelay: Duration.minutes(5),
  maxAttempts: 7,
  jitterStrategy: JitterType.FULL,
};

export interface RunEndOptions {
  readonly checkRun: FerryFunction;
  readonly finishRun: FerryFunction;
  /** the payload fields that name the run */
  readonly run: Readonly<Record<string, string>>;
  /** receives a notice of each run that sent jobs */
  readonly notices: ITopic | undefined;
  /** how long check-run is tried while its surroundings fail, in hours */
  readonly patienceHours: number;
}

/** The states of a run's end. */
export interface RunEnd {
  /** begins with a run that has sent its jobs */
  readonly begin: IChainable & INextable;
  /** begins with what was caught, `{Error, Cause}` */
  readonly failed: State & IChainable;
  /** a state that may fail, too */
  readonly check: LambdaInvoke;
}

export function runEnd(scope: Construct, options: RunEndOptions): RunEnd {
  const { checkRun, finishRun, run, notices, patienceHours } = options;
  const found = { 'results.$': '$.results', 'deleted.$': '$.deleted', 'refusal.$': '$.refusal' };
  const begin = new Pass(scope, 'JobsSent', { parameters: { 'task.$': '$.task', ...run, ...found } });
  const check = call(scope, 'CheckRun', checkRun, { patience: lasting(patienceHours) });
  const wait = new Wait(scope, 'WaitForJobs', { time: WaitTime.secondsPath('$.drain.waitSeconds') });
  const finish = call(scope, 'FinishRun', finishRun);
  const done = new Pass(scope, 'RunDone', { outputPath: '$.counts' });
  const tell = tellEnd(scope, 'TellEnd', '$.event');
  begin.next(check);
  wait.next(check);
  check.next(
    new Choice(scope, 'JobsEnded').when(Condition.stringEquals('$.drain.state', 'ended'), finish).otherwise(wait),
  );
  finish.next(tell);
  if (notices) {
    const notify = notifyPeople(scope, notices);
    notify.next(done);
    tell.next(new Choice(scope, 'HasNotice').when(Condition.isPresent('$.notice'), notify).otherwise(done));
  } else tell.next(done);
  return { begin, check, failed: failedEnd(scope, finishRun, run) };
}

/** Records a run that failed, tells it, and fails under the name of what was caught. */
function failedEnd(scope: Construct, finishRun: FerryFunction, run: Readonly<Record<string, string>>): Pass {
  // Cause may be missing (a timeout has none), and a path that does not resolve would hide the error.
  const describe = new Pass(scope, 'DescribeRunFailed', {
    parameters: { 'error.$': '$.Error', 'cause.$': 'States.JsonToString($)', 'caught.$': '$' },
  });
  const finish = call(scope, 'FinishFailedRun', finishRun, {
    payload: TaskInput.fromObject({ ...run, 'error.$': '$.caught' }),
    resultPath: '$.finished',
  });
  const tell = tellEnd(scope, 'TellFailedEnd', '$.finished.Payload.event');
  const fail = new Fail(scope, 'RunFailed', { errorPath: '$.error', causePath: '$.cause' });
  describe.next(finish);
  finish.next(tell);
  tell.next(fail);
  return describe;
}

/** Puts the event of a run's end on the account's default bus. */
function tellEnd(scope: Construct, name: string, detailPath: string): EventBridgePutEvents {
  const detail = TaskInput.fromJsonPathAt(detailPath);
  const entries = [{ source: runEndSource, detailType: runEndDetailType, detail }];
  return retried(new EventBridgePutEvents(scope, name, { entries, resultPath: JsonPath.DISCARD }));
}

function notifyPeople(scope: Construct, topic: ITopic): SnsPublish {
  return retried(
    new SnsPublish(scope, 'NotifyPeople', {
      topic,
      subject: JsonPath.stringAt('$.notice.subject'),
      message: TaskInput.fromJsonPathAt('$.notice.message'),
      resultPath: JsonPath.DISCARD,
    }),
  );
}

function retried<Task extends EventBridgePutEvents | SnsPublish>(task: Task): Task {
  task.addRetry({ ...telling, errors: ['States.ALL'] });
  return task;
}
