import { Aws, Duration } from 'aws-cdk-lib';
import {
  Choice,
  Condition,
  CustomState,
  DefinitionBody,
  DistributedMap,
  JsonPath,
  Pass,
  Result,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
  type IChainable,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { FerryFunction, Pipeline } from '../function.ts';
import { grantSend, type JobQueues } from '../queue.ts';
import { explainWildcard } from '../wildcards.ts';
import { call } from './call.ts';
import { failWithCaught } from './failure.ts';
import { observe, observed, type Observing } from './observed.ts';
import { brief, lasting, untilItWorks } from './retries.ts';

/**
 * Longer than all that an execution can wait for (test/machines/upload.test.ts adds it up): its timeout would end it
 * without its last step, and lose the job. Step Functions allows a year.
 */
const timeout = Duration.days(300);

/** The wait of a state that does not say how long. */
const secondLook = Duration.seconds(60);

type UploadPipeline = Observing & Pick<Pipeline, 'queues'>;

export interface UploadFunctions {
  readonly planUpload: FerryFunction;
  readonly uploadParts: FerryFunction;
  readonly checkUpload: FerryFunction;
  readonly abandonUpload: FerryFunction;
}

/**
 * The UPLOAD machine: one execution copies one large object. Its input and payloads are in
 * shared/model/messages/payloads.ts. plan-upload and check-upload return the next step in `state`, and count and bound
 * the rounds.
 */
export class UploadMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, functions: UploadFunctions, pipeline: UploadPipeline) {
    super(scope, id);
    this.machine = new StateMachine(this, 'Machine', {
      comment: 'S3 Ferry: the multipart upload of one object',
      definitionBody: DefinitionBody.fromChainable(this.definition(functions, pipeline)),
      timeout,
      ...observed(this, pipeline),
    });
    grantSend(pipeline.queues.deadLetters, this.machine);
    observe(this.machine, pipeline);
  }

  private definition(
    { planUpload, uploadParts, checkUpload, abandonUpload }: UploadFunctions,
    { settings, queues }: UploadPipeline,
  ): IChainable {
    const job = { 'job.$': '$$.Execution.Input', 'execution.$': '$$.Execution.Name' };
    const begin = new Pass(this, 'Begin', { parameters: { ...job, attempt: 0 } });
    const patience = lasting(settings.giveUpAfterHours);
    const plan = call(this, 'PlanUpload', planUpload, { canRestart: true, patience });
    const check = call(this, 'CheckUpload', checkUpload, { canRestart: true, patience });
    const parts = this.parts(uploadParts);
    const wait = new Wait(this, 'WaitForParts', { time: WaitTime.secondsPath('$.waitSeconds') });
    // The state of an earlier version of check-upload: its functions may be replaced after the machine.
    const waitAMinute = new Wait(this, 'WaitAMinute', { time: WaitTime.duration(secondLook) });
    const isWaiting = Condition.stringEquals('$.state', 'waiting');

    // A Catch without a ResultPath outputs the error alone; job and execution come from the context.
    const abandon = call(this, 'AbandonUpload', abandonUpload, {
      payload: TaskInput.fromObject({ ...job, 'error.$': '$' }),
      resultPath: JsonPath.DISCARD,
      patience,
    });
    const failed = failWithCaught(this, 'UploadFailed');
    abandon.next(failed);
    const bury = this.buryJob(queues);
    abandon.addCatch(bury, { resultPath: '$.abandoning' });
    bury.next(failed);
    for (const state of [plan, check]) state.addCatch(abandon);
    // Its children fail under their own names. What fails the map itself says nothing about the parts.
    parts.addCatch(check, { resultPath: '$.mapError' });
    // An execution keeps its definition while its functions may be replaced by newer ones. A Choice has no Catch.
    const unknown = new Pass(this, 'UnknownState', {
      result: Result.fromObject({
        Error: 'InvalidInput',
        Cause: 'the upload is in a state that this version of the machine does not know; redrive its job',
      }),
    });

    const decide = new Choice(this, 'WhatNext')
      .when(Condition.stringEquals('$.state', 'finished'), new Succeed(this, 'UploadFinished'))
      .when(Condition.stringEquals('$.state', 'uploading'), parts)
      .when(Condition.and(isWaiting, Condition.isPresent('$.waitSeconds')), wait)
      .when(isWaiting, waitAMinute)
      .when(Condition.stringEquals('$.state', 'replan'), plan)
      .otherwise(unknown);
    unknown.next(abandon);
    parts.next(check);
    wait.next(check);
    waitAMinute.next(check);
    check.next(decide);
    return begin.next(plan).next(decide);
  }

  /**
   * Puts the job into the dead-letter queue without a function, in the form of shared/model/job.ts and with the
   * attribute of other dead letters: abandon-upload failed for as long as it is retried, most likely because Lambda has
   * no free environment. The body becomes JSON text, in which U+FFFE and U+FFFF are not escaped, and SQS refuses those
   * (Amazon SQS API Reference: SendMessage). Such an execution fails all the same, and the next run finds the object.
   */
  private buryJob({ deadLetters }: JobQueues): CustomState {
    const reason = "States.Format('{}: the upload was given up, and so was recording it', $.Error)";
    const state = new CustomState(this, 'BuryJob', {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::sqs:sendMessage`,
        Parameters: {
          QueueUrl: deadLetters.queueUrl,
          MessageBody: { 'job.$': '$$.Execution.Input' },
          MessageAttributes: { reason: { DataType: 'String', 'StringValue.$': reason } },
        },
        ResultPath: null,
        TimeoutSeconds: 60,
      },
    });
    return state.addRetry(untilItWorks);
  }

  /** One child per batch. A child outputs one word, because all outputs together may have 256 KiB. */
  private parts(uploadParts: FerryFunction): DistributedMap {
    const map = new DistributedMap(this, 'SendParts', {
      itemsPath: '$.batches',
      maxConcurrencyPath: '$.concurrency',
      itemSelector: { 'job.$': '$.job', 'target.$': '$.target', 'batch.$': '$$.Map.Item.Value' },
      resultPath: '$.outcomes',
      // An Express child may run for five minutes; a batch over a slow border takes up to fifteen.
      mapExecutionType: StateMachineType.STANDARD,
    });
    explainWildcard(
      this,
      /:states:.*:execution:.*\*$/,
      "the map's own runs and children, whose names Step Functions makes",
    );
    const send = call(this, 'UploadParts', uploadParts, { patience: brief });
    // A batch that fails does not end the others: check-upload lists the parts, and decides by the outcomes.
    const nameFault = new Pass(this, 'NameFault', { parameters: { 'outcome.$': '$.Error' } });
    send.addCatch(nameFault);
    map.itemProcessor(send);
    return map;
  }
}
