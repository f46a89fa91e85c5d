import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import {
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  Map as MapState,
  Pass,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
  type IChainable,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { FerryFunction } from '../function.ts';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { call } from './call.ts';
import { explainWildcard } from '../wildcards.ts';
import { runEnd } from './run-end.ts';
import { observe, observed, type Observing } from './observed.ts';

/**
 * A run lasts as long as its copies, and a pause as long as a person lets it: 90 days, after which Step Functions would
 * forget an execution that ended. It allows a year (Step Functions Developer Guide, Quotas). One that takes longer is
 * stuck.
 */
const timeout = Duration.days(90);

export interface SyncFunctions {
  readonly planSync: FerryFunction;
  readonly cutRanges: FerryFunction;
  readonly findObjects: FerryFunction;
  readonly checkDeletes: FerryFunction;
  readonly checkRun: FerryFunction;
  readonly finishRun: FerryFunction;
}

/** What the machine needs besides its functions. */
export interface SyncPipeline extends Observing {
  /** the topic that receives a notice of each run that sent jobs; undefined if there is none */
  readonly notices: ITopic | undefined;
}

/** The SYNC machine: one execution is one run. Its input and payloads are in shared/model/messages/payloads.ts. */
export class SyncMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, functions: SyncFunctions, pipeline: SyncPipeline) {
    super(scope, id);
    this.machine = new StateMachine(this, 'Machine', {
      comment: 'S3 Ferry: one run of a task',
      definitionBody: DefinitionBody.fromChainable(this.definition(functions, pipeline)),
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
   * Admits, finds, checks, deletes, waits for the jobs, finishes. A run ends after its first step if another is under
   * way. Keys are searched in rounds, and what a round leaves is cut again for the next one. Copies are sent while the
   * keys are searched. Deletes are only counted there: whether a run may delete shows when all of them are known. Then
   * the ranges that have some are searched again, in rounds too, so that nothing remembers which they were.
   */
  private definition(functions: SyncFunctions, { settings, notices }: SyncPipeline): IChainable {
    const { planSync, cutRanges, findObjects, checkDeletes, checkRun, finishRun } = functions;
    const input = { 'input.$': '$$.Execution.Input' };
    const run = { 'run.$': '$$.Execution.Name', 'startedAt.$': '$$.Execution.StartTime', ...input };
    const plan = call(this, 'PlanSync', planSync, {
      payload: TaskInput.fromObject({ ...run, 'execution.$': '$$.Execution.Id' }),
    });
    const cut = call(this, 'CutRanges', cutRanges);
    const brief = this.briefRound(findObjects);
    const long = this.longRound(findObjects);
    const wait = new Wait(this, 'WaitForRound', { time: WaitTime.secondsPath('$.waitSeconds') });
    const check = call(this, 'CheckDeletes', checkDeletes, {
      payload: TaskInput.fromObject({ 'plan.$': '$', ...input }),
    });
    const end = runEnd(this, {
      ...{ checkRun, finishRun, run, notices },
      patienceHours: settings.giveUpAfterHours,
    });
    // A Catch without a ResultPath outputs the error alone: the run's input may be anything, not only an object.
    for (const state of [plan, cut, brief, long, check, end.check]) state.addCatch(end.failed);
    const next = new Choice(this, 'WhatNext')
      .when(Condition.stringEquals('$.next', 'brief'), brief)
      .when(Condition.stringEquals('$.next', 'long'), long)
      .when(Condition.stringEquals('$.next', 'wait'), wait)
      .when(Condition.stringEquals('$.next', 'found'), check)
      .otherwise(end.begin);
    for (const state of [brief, long, wait, check]) state.next(cut);
    cut.next(next);
    const admitted = new Choice(this, 'Admitted')
      .when(Condition.isPresent('$.superseded'), new Succeed(this, 'Superseded'))
      .otherwise(cut);
    return plan.next(admitted);
  }

  /**
   * A round in the run's own execution, which begins and ends in well under a second. Its steps count against the
   * 25,000 events of the execution, so cut-ranges asks for few of them.
   */
  private briefRound(findObjects: FerryFunction): MapState {
    const map = new MapState(this, 'BriefRound', round);
    map.itemProcessor(this.finder('FindBriefly', 'BriefFault', findObjects));
    return map;
  }

  /**
   * A round of child executions, each with a history of its own. Standard ones: a call of minutes costs less there
   * ($0.000075 for three transitions, against $0.000125 for two minutes of an Express execution in 64 MB), and waits
   * for a throttled function may outlast the five minutes that an Express execution has.
   */
  private longRound(findObjects: FerryFunction): DistributedMap {
    const map = new DistributedMap(this, 'LongRound', { ...round, mapExecutionType: StateMachineType.STANDARD });
    const reason = "the map's own runs and children, whose names Step Functions makes";
    explainWildcard(this, /:states:.*:execution:.*\*$/, reason);
    map.itemProcessor(this.finder('FindObjects', 'NameFault', findObjects));
    return map;
  }

  /** One call. What it fails with is its result: cut-ranges fails the run with it, under its own name. */
  private finder(name: string, faultName: string, findObjects: FerryFunction): IChainable {
    const find = call(this, name, findObjects);
    find.addCatch(new Pass(this, faultName, { parameters: { failed: { 'name.$': '$.Error' } } }));
    return find;
  }
}

/** What both kinds of rounds have in common. Results take the place of the ranges: both are large. */
const round = {
  itemsPath: '$.work',
  maxConcurrencyPath: '$.round.finders',
  itemSelector: {
    'task.$': '$.task',
    'run.$': '$.run',
    'dryRun.$': '$.dryRun',
    'prefix.$': '$.prefix',
    'prefixList.$': '$.prefixList',
    'round.$': '$.round',
    'range.$': '$$.Map.Item.Value',
  },
  resultPath: '$.work',
};
