import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  type DescribeExecutionCommandOutput,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import type { Ledger } from '../ports/ledger.ts';
import type { KnownRuns, RunExecutions, RunExistence, Runs, RunState } from '../ports/runs.ts';
import { faultOf } from './faults.ts';
import { pages } from './pages.ts';

/** Executions of the SYNC machine: the adapter of the ports of runs. Step Functions chooses their names. */
export class SfnRuns implements Runs, KnownRuns {
  readonly #client: SFNClient;
  readonly #machineArn: string;
  readonly #ledger: Pick<Ledger, 'getRun'>;

  /** @param ledger has the record of a run that has ended, with the reason */
  constructor(client: SFNClient, machineArn: string, ledger: Pick<Ledger, 'getRun'>) {
    this.#client = client;
    this.#machineArn = machineArn;
    this.#ledger = ledger;
  }

  async start(input: Parameters<Runs['start']>[0]): Promise<string> {
    const command = new StartExecutionCommand({ stateMachineArn: this.#machineArn, input: JSON.stringify(input) });
    const { executionArn = '' } = await this.#client.send(command).catch((error: unknown) => {
      throw faultOf(error, 'StartExecution of the SYNC machine');
    });
    return executionArn.split(':').at(-1) ?? '';
  }

  async state(task: string, run: string): Promise<RunState> {
    const { status, error } = await this.#describe(run).catch((thrown: unknown) => {
      throw faultOf(thrown, 'DescribeExecution');
    });
    if (isUnderWay(status)) return { status: 'running' };
    if (status === 'SUCCEEDED') return { status: 'done' };
    // The last step of a run that fails records why.
    const record = await this.#ledger.getRun(task, run);
    return { status: 'failed', reason: record?.reason ?? error ?? String(status) };
  }

  async taskOf(run: string): Promise<string | undefined> {
    try {
      const { input } = await this.#describe(run);
      const read = v.safeParse(inputSchema, input);
      return read.success ? read.output.task : undefined;
    } catch (error) {
      // A name that no execution can have is one that none has.
      const { name } = error instanceof Error ? error : { name: '' };
      if (name === 'ExecutionDoesNotExist' || name === 'InvalidArn') return undefined;
      throw faultOf(error, 'DescribeExecution');
    }
  }

  async underWay(task: string): Promise<string[]> {
    const found: string[] = [];
    const executions = pages('ListExecutions', async (nextToken: string | undefined) => {
      const input = {
        stateMachineArn: this.#machineArn,
        statusFilter: 'RUNNING' as const,
        ...(nextToken && { nextToken }),
      };
      const page = await this.#client.send(new ListExecutionsCommand(input)).catch((error: unknown) => {
        throw faultOf(error, 'ListExecutions');
      });
      return { items: page.executions ?? [], truncated: page.nextToken !== undefined, next: page.nextToken };
    });
    for await (const page of executions) {
      for (const { name = '' } of page) if ((await this.taskOf(name)) === task) found.push(name);
    }
    return found;
  }

  #describe(run: string): Promise<DescribeExecutionCommandOutput> {
    const executionArn = executionArnOf(this.#machineArn, run);
    return this.#client.send(new DescribeExecutionCommand({ executionArn }));
  }
}

/** What an execution's input, which may be anything, says of its task. */
const inputSchema = v.pipe(v.string(), v.parseJson(), v.object({ task: v.string() }));

/** The executions of the machine that an execution belongs to: the adapter of the port RunExecutions. */
export class SfnRunExecutions implements RunExecutions {
  readonly #client: SFNClient;
  readonly #prefix: string;

  /** @param executionArn any execution of the SYNC machine, such as the caller's own */
  constructor(client: SFNClient, executionArn: string) {
    this.#client = client;
    this.#prefix = executionArn.slice(0, executionArn.lastIndexOf(':') + 1);
  }

  async existence(run: string): Promise<RunExistence> {
    try {
      const command = new DescribeExecutionCommand({ executionArn: this.#prefix + run });
      const { status } = await this.#client.send(command);
      return isUnderWay(status) ? 'running' : 'ended';
    } catch (error) {
      if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return 'unknown';
      throw faultOf(error, 'DescribeExecution');
    }
  }
}

/** The executions of a machine. @param machineArn the SYNC machine's */
export function executionsOf(client: SFNClient, machineArn: string): RunExecutions {
  return new SfnRunExecutions(client, executionArnOf(machineArn, ''));
}

function executionArnOf(machineArn: string, run: string): string {
  return `${machineArn.replace(':stateMachine:', ':execution:')}:${run}`;
}

function isUnderWay(status: string | undefined): boolean {
  return status === 'RUNNING' || status === 'PENDING_REDRIVE';
}
