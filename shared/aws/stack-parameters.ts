import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { Fault } from '../model/faults.ts';
import { publishedParameterPath, type PublishedParameter } from '../model/parameter-paths.ts';
import { faultOf } from './faults.ts';

/** What the commands for operators find of a deployed stack, in the parameters that it publishes. */

export interface QueueUrls {
  readonly jobs: string;
  readonly deadLetters: string;
}

/** Checks the option `--stack`. @throws Fault `InvalidInput` if it cannot be the name of a stack */
export function checkStackName(stack: string): void {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(stack)) throw new Fault('InvalidInput', '--stack: not the name of a stack');
}

/** The queues of a deployed stack. @throws Fault `InvalidInput` if the account and region have no such stack */
export async function findQueues(client: SSMClient, stack: string): Promise<QueueUrls> {
  const [jobs, deadLetters] = await Promise.all([
    read(client, stack, 'jobsQueueUrl'),
    read(client, stack, 'deadLetterQueueUrl'),
  ]);
  return { jobs, deadLetters };
}

/** URL of the queue of S3 events. @throws Fault `InvalidInput` if the account and region have no such stack */
export function findEventsQueue(client: SSMClient, stack: string): Promise<string> {
  return read(client, stack, 'eventsQueueUrl');
}

/** Name of the ledger's table. @throws Fault `InvalidInput` if the account and region have no such stack */
export function findLedgerTable(client: SSMClient, stack: string): Promise<string> {
  return read(client, stack, 'ledgerTableName');
}

/** ARN of the SYNC machine. @throws Fault `InvalidInput` if the account and region have no such stack */
export function findSyncMachine(client: SSMClient, stack: string): Promise<string> {
  return read(client, stack, 'syncMachineArn');
}

/** ARN of the UPLOAD machine. @throws Fault `InvalidInput` if the account and region have no such stack */
export function findUploadMachine(client: SSMClient, stack: string): Promise<string> {
  return read(client, stack, 'uploadMachineArn');
}

async function read(client: SSMClient, stack: string, name: PublishedParameter): Promise<string> {
  const path = publishedParameterPath(stack, name);
  const answer = await client.send(new GetParameterCommand({ Name: path })).catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== 'ParameterNotFound') throw faultOf(error, `GetParameter ${path}`);
    throw new Fault(
      'InvalidInput',
      `--stack: there is no parameter ${path} in this account and region ` +
        `(a stack of an earlier version lacks some: deploy it again)`,
    );
  });
  return answer.Parameter?.Value ?? '';
}
