import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import {
  Choice,
  Condition,
  DefinitionBody,
  JsonPath,
  Map as MapState,
  Pass,
  StateMachine,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
  type IChainable,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { sharesOf } from '../../shared/model/config/concurrency.ts';
import type { FerryFunction } from '../function.ts';
import { call } from './call.ts';
import { failWithCaught } from './failure.ts';
import { explainWildcard } from '../wildcards.ts';
import { observe, observed, type Observing } from './observed.ts';

/** A run over billions of keys takes hours; one that takes longer than this is stuck. */
const timeout = Duration.days(3);

export interface SyncFunctions {
  readonly planSync: FerryFunction;
  readonly findObjects: FerryFunction;
  readonly checkDeletes: FerryFunction;
  readonly finishRun: FerryFunction;
}

/** The SYNC machine: one execution is one run. Its input and payloads are in shared/model/messages/payloads.ts. */
export class SyncMachine extends Construct {
  readonly machine: StateMachine;
  private readonly segmentsAtOnce: number;

  constructor(scope: Construct, id: string, functions: SyncFunctions, pipeline: Observing) {
    super(scope, id);
    this.segmentsAtOnce = sharesOf(pipeline.settings).finders;
    this.machine = new StateMachine(this, 'Machine', {
      comment: 'S3 Ferry: one run of a task',
      definitionBody: DefinitionBody.fromChainable(this.definition(functions)),
      timeout,
      ...observed(this, pipeline),
    });
    observe(this.machine, pipeline);
    this.grantDescribe(functions.planSync.role);
  }

  /**
   * Lets `role` ask whether a run is under way. In a policy of its own: a function waits for its role's policy, and the
   * machine for the function.
   */
  private grantDescribe(role: Role): void {
    const resourceName = `${this.machine.stateMachineName}:*`;
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    const execution = Stack.of(this).formatArn({ service: 'states', resource: 'execution', resourceName, arnFormat });
    const statements = [new PolicyStatement({ actions: ['states:DescribeExecution'], resources: [execution] })];
    const policy = new Policy(this, 'DescribeRuns', { roles: [role], statements });
    explainWildcard(policy, /:states:.*:execution:.*\*$/, 'the runs of the stack, whose names AWS chooses');
  }

  /**
   * Admits, finds, checks, deletes, finishes. A run ends after its first step if another is under way. Copies are sent
   * while the segments are searched. Deletes are only counted there: whether a run may delete shows when all of them
   * are known. Then the segments that have some are searched again, so that nothing remembers which they were.
   */
  private definition({ planSync, findObjects, checkDeletes, finishRun }: SyncFunctions): IChainable {
    const input = { 'input.$': '$$.Execution.Input' };
    const run = { 'run.$': '$$.Execution.Name', 'startedAt.$': '$$.Execution.StartTime', ...input };
    const plan = call(this, 'PlanSync', planSync, {
      payload: TaskInput.fromObject({ ...run, 'execution.$': '$$.Execution.Id' }),
    });
    const find = this.segments('FindInSegments', 'results', {
      'segment.$': '$$.Map.Item.Value',
      deletes: 'hold',
    });
    find.itemProcessor(
      this.untilDone(findObjects, {
        find: 'FindObjects',
        done: 'SegmentDone',
        hold: 'HoldSegment',
        keep: { name: 'KeepCounts', parameters: { 'counts.$': '$.counts', 'examples.$': '$.examples' } },
      }),
    );
    const check = call(this, 'CheckDeletes', checkDeletes, {
      payload: TaskInput.fromObject({ 'plan.$': '$', ...input }),
    });
    const remove = this.segments('DeleteInSegments', 'deleted', {
      'segment.$': '$$.Map.Item.Value.segment',
      deletes: { 'atMost.$': '$$.Map.Item.Value.deletes' },
    });
    remove.itemProcessor(
      this.untilDone(findObjects, {
        find: 'FindDeletes',
        done: 'DeletesDone',
        hold: 'HoldDeletes',
        keep: { name: 'KeepDeletes', parameters: { 'counts.$': '$.counts' } },
      }),
    );
    const found = { 'results.$': '$.results', 'deleted.$': '$.deleted', 'refusal.$': '$.refusal' };
    const finish = call(this, 'FinishRun', finishRun, { payload: TaskInput.fromObject({ ...run, ...found }) });
    // A Catch without a ResultPath outputs the error alone: the run's input may be anything, not only an object.
    const finishFailed = call(this, 'FinishFailedRun', finishRun, {
      payload: TaskInput.fromObject({ ...run, 'error.$': '$' }),
      resultPath: JsonPath.DISCARD,
    });
    finishFailed.next(failWithCaught(this, 'RunFailed'));
    for (const state of [plan, find, check, remove]) state.addCatch(finishFailed);
    find.next(check).next(remove).next(finish);
    const admitted = new Choice(this, 'Admitted')
      .when(Condition.isPresent('$.superseded'), new Succeed(this, 'Superseded'))
      .otherwise(find);
    return plan.next(admitted);
  }

  /** A search of each of the state's segments. @param item what a search gets besides the run's own fields */
  private segments(name: string, result: string, item: Record<string, unknown>): MapState {
    return new MapState(this, name, {
      itemsPath: '$.segments',
      maxConcurrency: this.segmentsAtOnce,
      itemSelector: {
        'task.$': '$.task',
        'run.$': '$.run',
        'dryRun.$': '$.dryRun',
        'prefix.$': '$.prefix',
        'prefixList.$': '$.prefixList',
        ...item,
      },
      resultPath: `$.${result}`,
    });
  }

  /** Calls find-objects until the segment is done, and keeps only its counts. */
  private untilDone(findObjects: FerryFunction, { find, done, hold, keep }: SegmentStates): IChainable {
    const search = call(this, find, findObjects);
    const kept = new Pass(this, keep.name, { parameters: keep.parameters });
    const wait = new Wait(this, hold, { time: WaitTime.secondsPath('$.waitSeconds') });
    wait.next(search);
    const decide = new Choice(this, done)
      .when(Condition.booleanEquals('$.done', true), kept)
      .when(Condition.isPresent('$.waitSeconds'), wait)
      .otherwise(search);
    return search.next(decide);
  }
}

/** The names of the states that search one segment, and what its result is. */
interface SegmentStates {
  readonly find: string;
  readonly done: string;
  readonly hold: string;
  readonly keep: { readonly name: string; readonly parameters: Record<string, string> };
}
