import { Duration } from 'aws-cdk-lib';
import {
  Choice,
  Condition,
  DefinitionBody,
  JsonPath,
  Map as MapState,
  Pass,
  StateMachine,
  TaskInput,
  type IChainable,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { FerryFunction } from '../function.ts';
import { call } from './call.ts';
import { failWithCaught } from './failure.ts';
import { observe, observed, type Observing } from './observed.ts';

/**
 * Segments at once. Each makes about ten listings a second on either side, so twenty stay far below S3's 5,500 reads a
 * second per prefix and leave most of an account's Lambda calls to the copies.
 */
const segmentsAtOnce = 20;

/** A run over billions of keys takes hours; one that takes longer than this is stuck. */
const timeout = Duration.days(3);

export interface SyncFunctions {
  readonly planSync: FerryFunction;
  readonly findObjects: FerryFunction;
  readonly finishRun: FerryFunction;
}

/** The SYNC machine: one execution is one run. Its input and payloads are in shared/model/messages/payloads.ts. */
export class SyncMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, functions: SyncFunctions, pipeline: Observing) {
    super(scope, id);
    this.machine = new StateMachine(this, 'Machine', {
      comment: 'S3 Ferry: one run of a task',
      definitionBody: DefinitionBody.fromChainable(this.definition(functions)),
      timeout,
      ...observed(this, pipeline),
    });
    observe(this.machine, pipeline);
  }

  private definition({ planSync, findObjects, finishRun }: SyncFunctions): IChainable {
    const run = {
      'run.$': '$$.Execution.Name',
      'startedAt.$': '$$.Execution.StartTime',
      'input.$': '$$.Execution.Input',
    };
    const plan = call(this, 'PlanSync', planSync, { payload: TaskInput.fromObject(run) });
    const segments = new MapState(this, 'FindInSegments', {
      itemsPath: '$.segments',
      maxConcurrency: segmentsAtOnce,
      itemSelector: {
        'task.$': '$.task',
        'run.$': '$.run',
        'dryRun.$': '$.dryRun',
        'prefix.$': '$.prefix',
        'prefixList.$': '$.prefixList',
        'segment.$': '$$.Map.Item.Value',
      },
    });
    segments.itemProcessor(this.segment(findObjects));
    const finish = call(this, 'FinishRun', finishRun, {
      payload: TaskInput.fromObject({ ...run, 'results.$': '$' }),
    });
    // A Catch without a ResultPath outputs the error alone: the run's input may be anything, not only an object.
    const finishFailed = call(this, 'FinishFailedRun', finishRun, {
      payload: TaskInput.fromObject({ ...run, 'error.$': '$' }),
      resultPath: JsonPath.DISCARD,
    });
    finishFailed.next(failWithCaught(this, 'RunFailed'));
    plan.addCatch(finishFailed);
    segments.addCatch(finishFailed);
    return plan.next(segments).next(finish);
  }

  /** Calls find-objects until the segment is done, and keeps only its counts. */
  private segment(findObjects: FerryFunction): IChainable {
    const find = call(this, 'FindObjects', findObjects);
    const counts = new Pass(this, 'KeepCounts', { parameters: { 'counts.$': '$.counts' } });
    return find.next(
      new Choice(this, 'SegmentDone').when(Condition.booleanEquals('$.done', true), counts).otherwise(find),
    );
  }
}
