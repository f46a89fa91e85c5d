import { createHash } from 'node:crypto';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { Fault } from '../model/faults.ts';
import { asciiJson, type Job } from '../model/job.ts';
import type { JobVersion, RunningUploads, UploadExecutions, Uploads } from '../ports/uploads.ts';
import type { OpenUploads } from '../ports/run-progress.ts';
import { faultOf } from './faults.ts';
import { pages } from './pages.ts';
import { quoted } from '../model/text.ts';

/** Executions of one version of an object within the 90 days for which Step Functions remembers a name. */
const maxGenerations = 100;

/** Executions of the UPLOAD machine: the adapter of the ports for uploads in executions. */
export class SfnUploads implements Uploads, UploadExecutions, RunningUploads, OpenUploads {
  readonly #client: SFNClient;
  readonly #machineArn: string;

  constructor(client: SFNClient, machineArn: string) {
    this.#client = client;
    this.#machineArn = machineArn;
  }

  async start(job: Job): Promise<{ execution: string; started: boolean }> {
    for (let generation = 1; generation <= maxGenerations; generation++) {
      const execution = executionName(job, generation);
      try {
        const input = asciiJson(job);
        await this.#client.send(
          new StartExecutionCommand({ stateMachineArn: this.#machineArn, name: execution, input }),
        );
        return { execution, started: true };
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ExecutionAlreadyExists')
          throw faultOf(error, 'StartExecution');
        // The name is taken, by an execution that is under way, which is enough, or by one that has ended.
        const status = await this.#status(execution);
        if (isUnderWay(status)) return { execution, started: false };
        // Step Functions shows an execution a moment after its start. A second one would send all parts again.
        if (status === undefined) {
          throw new Fault(
            'Unavailable',
            `StartExecution: the name ${execution} is taken, but its execution is not visible yet`,
          );
        }
      }
    }
    throw new Fault(
      'Unavailable',
      `StartExecution: ${quoted(job.key)} was started ${maxGenerations} times in this version`,
    );
  }

  async isRunning(job: JobVersion): Promise<boolean> {
    for (let generation = 1; generation <= maxGenerations; generation++) {
      const status = await this.#status(executionName(job, generation));
      // A name is only used after the execution with the previous one has ended.
      if (status === undefined) return false;
      if (isUnderWay(status)) return true;
    }
    return false;
  }

  async countRunning(): Promise<number> {
    let count = 0;
    for await (const names of this.#running()) count += names.length;
    return count;
  }

  async anyRunning(task: string): Promise<boolean> {
    for await (const names of this.#running()) if (names.some((name) => belongsTo(task, name))) return true;
    return false;
  }

  /** The names of the running executions, a page at a time. */
  async *#running(): AsyncGenerator<string[]> {
    yield* pages('ListExecutions of the UPLOAD machine', async (nextToken: string | undefined) => {
      const command = new ListExecutionsCommand({
        stateMachineArn: this.#machineArn,
        statusFilter: 'RUNNING',
        maxResults: 1000,
        ...(nextToken !== undefined && { nextToken }),
      });
      const { executions = [], nextToken: next } = await this.#client.send(command).catch((error: unknown) => {
        throw faultOf(error, 'ListExecutions');
      });
      return { items: executions.map(({ name = '' }) => name), truncated: next !== undefined, next };
    });
  }

  /** @returns undefined if there is no such execution (any more) */
  async #status(execution: string): Promise<string | undefined> {
    const executionArn = `${this.#machineArn.replace(':stateMachine:', ':execution:')}:${execution}`;
    try {
      return (await this.#client.send(new DescribeExecutionCommand({ executionArn }))).status;
    } catch (error) {
      if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return undefined;
      throw faultOf(error, 'DescribeExecution');
    }
  }
}

function isUnderWay(status: string | undefined): boolean {
  return status === 'RUNNING' || status === 'PENDING_REDRIVE';
}

/** Is it the name of an execution for this task, or for one whose name begins with the same 30 characters? */
function belongsTo(task: string, name: string): boolean {
  return /^(.*)-[0-9a-f]{40}-\d+$/.exec(name)?.[1] === task.slice(0, 30);
}

/**
 * The name of the execution for one version of an object. The same job always gets the same name, so that a message
 * that is delivered twice does not upload twice. It has at most 80 characters, Step Functions' limit.
 */
export function executionName(job: Job | JobVersion, generation: number): string {
  const identity = [job.task, job.key, job.etag ?? '', String(job.size ?? '')].join('\n');
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 40);
  return `${job.task.slice(0, 30)}-${hash}-${generation}`;
}
