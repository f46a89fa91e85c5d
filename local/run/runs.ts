import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Fault } from '../../shared/model/faults.ts';
import type { RunCounts } from '../../shared/model/run-counts.ts';
import { causeText, type SupersededRun } from '../../shared/model/messages/payloads.ts';
import type { Emulator } from '../../emulator/aws/index.ts';
import { localNames } from './settings.ts';

const pollIntervalMillis = 200;

/** A running deployment. */
export type Deployment = Pick<Emulator, 'endpoint' | 'region' | 'outputs'>;

/** Starts runs and waits for the work that they start, with the calls that an operator would make. */
export class Runs {
  readonly #aws: Deployment;
  readonly #machines: SFNClient;
  readonly #queues: SQSClient;

  constructor(aws: Deployment) {
    const settings = { endpoint: aws.endpoint, region: aws.region, credentials: localNames.credentials };
    this.#aws = aws;
    this.#machines = new SFNClient(settings);
    this.#queues = new SQSClient(settings);
  }

  /**
   * Starts the SYNC machine for a task, and waits for its end, and so for that of its objects.
   * @param prefix limits the run to this part of the task's source
   * @throws Fault `Unavailable` with the error and the reason of a failed run
   */
  async sync(task: string, prefix?: string): Promise<RunCounts> {
    const stateMachineArn = this.#output('SyncMachineArn');
    const { executionArn } = await this.#machines.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ task, prefix }) }),
    );
    for (;;) {
      const run = await this.#machines.send(new DescribeExecutionCommand({ executionArn }));
      if (run.status === 'SUCCEEDED') return countsIn(run.output ?? '{}');
      if (run.status !== 'RUNNING') {
        throw new Fault(
          'Unavailable',
          `the run ended as ${run.status ?? '?'}: ${run.error ?? ''} ${causeText(run.cause)}`,
        );
      }
      await sleep(pollIntervalMillis);
    }
  }

  /** Starts a run, and waits until it has sent its jobs. It goes on until they have ended. */
  async send(task: string): Promise<void> {
    const stateMachineArn = this.#output('SyncMachineArn');
    const input = JSON.stringify({ task });
    const { executionArn } = await this.#machines.send(new StartExecutionCommand({ stateMachineArn, input }));
    for (;;) {
      const { events = [] } = await this.#machines.send(
        new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }),
      );
      if (events.some(({ stateEnteredEventDetails: entered }) => entered?.name === 'CheckRun')) return;
      const { status } = await this.#machines.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING') throw new Fault('Unavailable', `the run ended as ${status ?? '?'}`);
      await sleep(pollIntervalMillis);
    }
  }

  /**
   * Waits until the queue is empty and no upload runs.
   * @param intervalMillis between two checks
   */
  async waitUntilIdle(intervalMillis = pollIntervalMillis): Promise<void> {
    while (!(await this.isIdle())) await sleep(intervalMillis);
  }

  /** Checks the queue before and after the uploads: a job that left the queue may have become an upload. */
  async isIdle(): Promise<boolean> {
    return (await this.waiting()) === 0 && (await this.uploads('RUNNING')) === 0 && (await this.waiting()) === 0;
  }

  /** Jobs and events in their queues: visible, delayed and in flight. */
  async waiting(): Promise<number> {
    return (await this.#messages('JobsQueueUrl')) + (await this.#messages('EventsQueueUrl'));
  }

  /** Messages in the dead-letter queue. */
  async deadLetters(): Promise<number> {
    return this.#messages('DeadLetterQueueUrl');
  }

  /** Executions of the UPLOAD machine with a status. */
  async uploads(statusFilter: 'RUNNING' | 'SUCCEEDED' | 'FAILED'): Promise<number> {
    const stateMachineArn = this.#output('UploadMachineArn');
    let count = 0;
    let nextToken: string | undefined;
    do {
      const input = { stateMachineArn, statusFilter, ...(nextToken !== undefined && { nextToken }) };
      const page = await this.#machines.send(new ListExecutionsCommand(input));
      count += page.executions?.length ?? 0;
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return count;
  }

  close(): void {
    this.#machines.destroy();
    this.#queues.destroy();
  }

  async #messages(queue: string): Promise<number> {
    const { Attributes = {} } = await this.#queues.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#output(queue),
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return Object.values(Attributes).reduce((sum, number) => sum + Number(number), 0);
  }

  #output(name: string): string {
    const value = this.#aws.outputs[name];
    if (value === undefined) throw new Error(`the stack has no output ${name}`);
    return value;
  }
}

/** @throws Fault `Unavailable` if the run gave way to another one */
function countsIn(output: string): RunCounts {
  const ended = JSON.parse(output) as RunCounts | SupersededRun;
  if ('superseded' in ended) throw new Fault('Unavailable', `the run did not begin: ${ended.superseded.reason}`);
  return ended;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
