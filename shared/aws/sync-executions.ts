import { DescribeExecutionCommand, StartExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { causeText } from '../model/messages/payloads.ts';
import type { Runs, RunState } from '../ports/runs.ts';
import { faultOf } from './faults.ts';

/** Executions of the SYNC machine: the adapter of the port Runs. Step Functions chooses their names. */
export class SfnRuns implements Runs {
  readonly #client: SFNClient;
  readonly #machineArn: string;

  constructor(client: SFNClient, machineArn: string) {
    this.#client = client;
    this.#machineArn = machineArn;
  }

  async start(input: Parameters<Runs['start']>[0]): Promise<string> {
    const command = new StartExecutionCommand({ stateMachineArn: this.#machineArn, input: JSON.stringify(input) });
    const { executionArn = '' } = await this.#client.send(command).catch((error: unknown) => {
      throw faultOf(error, 'StartExecution of the SYNC machine');
    });
    return executionArn;
  }

  async state(id: string): Promise<RunState> {
    const command = new DescribeExecutionCommand({ executionArn: id });
    const { status, error, cause } = await this.#client.send(command).catch((thrown: unknown) => {
      throw faultOf(thrown, 'DescribeExecution');
    });
    if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return { status: 'running' };
    if (status === 'SUCCEEDED') return { status: 'done' };
    return { status: 'failed', reason: `${error ?? status ?? 'unknown'}: ${causeText(cause)}` };
  }
}
