import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import { createMachineClient, createParameterClient, createTableClient } from '../shared/aws/service-clients.ts';
import { checkStackName, findLedgerTable, findSyncMachine } from '../shared/aws/stack-parameters.ts';
import { SfnRuns } from '../shared/aws/sync-executions.ts';
import { Fault } from '../shared/model/faults.ts';
import { tasksPathOf } from '../shared/model/parameter-paths.ts';
import { visibleLines } from '../shared/model/text.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { checkTasks, type CheckedTask } from './check-tasks.ts';
import { createCommand, exitCodesHelp, runCommand, stackOption } from './command.ts';

/** `npm run preflight`: has the deployed stack check the buckets and permissions of its tasks, with its own roles. */

interface Options {
  stack: string;
  task?: string;
  json?: true;
}

const help = `
Starts a run of each task that only checks: both buckets, reading an object and its tags, and beginning and aborting an
upload at the destination, with the role and the credentials that copies have. Nothing is copied, and nothing is left.
A check that fails counts as a failed run, so the alarm "Runs failed" tells of it too.`;

const command = createCommand('npm run preflight --', 'Checks the buckets and permissions of the tasks of a stack.')
  .addOption(stackOption())
  .option('--task <name>', 'only this task')
  .option('--json', 'write each outcome as a line of JSON')
  .addHelpText('after', help)
  .addHelpText('after', exitCodesHelp('nothing is missing', 'something is'));

await runCommand(command, async () => {
  const { stack, task, json = false } = command.opts<Options>();
  checkStackName(stack);
  const parameters = createParameterClient();
  const [machine, table] = await Promise.all([findSyncMachine(parameters, stack), findLedgerTable(parameters, stack)]);
  const all = await new Parameters(parameters, tasksPathOf(stack)).tasks();
  const names = all.map(({ name }) => name).filter((name) => task === undefined || name === task);
  if (names.length === 0) {
    throw new Fault(
      'UnknownTask',
      task === undefined ? `stack ${stack} has no task` : `stack ${stack}: no task ${task}`,
    );
  }
  const runs = new SfnRuns(createMachineClient(), machine, new DynamoLedger(createTableClient(), table));
  const write = (outcome: CheckedTask): void => {
    console.log(json ? JSON.stringify({ stack, ...outcome }) : visibleLines(described(outcome)));
  };
  return (await checkTasks({ runs, clock: systemClock }, names, write)) > 0 ? 1 : 0;
});

function described({ task, reason }: CheckedTask): string {
  return reason === undefined ? `ok      ${task}` : `FAILED  ${task}: ${reason}`;
}
