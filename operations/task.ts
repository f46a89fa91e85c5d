import { userInfo } from 'node:os';
import { Argument, InvalidArgumentError } from 'commander';
import { DynamoControls } from '../shared/aws/dynamodb/controls.ts';
import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import { createMachineClient, createParameterClient, createTableClient } from '../shared/aws/service-clients.ts';
import { checkStackName, findLedgerTable, findSyncMachine } from '../shared/aws/stack-parameters.ts';
import { SfnRuns } from '../shared/aws/sync-executions.ts';
import { maxByCharacters, maxReasonCharacters } from '../shared/model/control.ts';
import { tasksPathOf } from '../shared/model/parameter-paths.ts';
import { createCommand, exitCodesHelp, runCommand, stackOption } from './command.ts';
import { actions, carryOut, describeStatus, type Action } from './task-orders.ts';

/** `npm run task`: pauses, resumes and cancels the work of a task, or shows how it stands. */

interface Options {
  stack: string;
  run?: string;
  reason: string;
  by: string;
  json?: true;
}

const help = `
pause    jobs go back to the queue, uploads stop between two parts, and runs hold back; what is copied stays
resume   all of it goes on where it stood, after 15 minutes at the latest
cancel   ends runs: their jobs leave the queue undone, their uploads can be resumed by a later run; events go on
status   shows what was ordered, and which runs are under way

An order takes effect within half a minute. Without --run, pause and resume are about the whole task, with its events,
and cancel is about its runs that are under way. Ordering the same twice changes nothing.`;

const command = createCommand('npm run task --', 'Pauses, resumes or cancels the work of a task of a stack.')
  .addArgument(new Argument('<action>', 'what to do').choices(actions))
  .argument('<name>', 'name of the task')
  .addOption(stackOption())
  .option('--run <run>', 'one run of the task: the name of its execution')
  .option('--reason <text>', 'why, for those who look at it later; no secrets', shortText(maxReasonCharacters), '')
  .option('--by <name>', 'who orders it', shortText(maxByCharacters), userInfo().username.slice(0, maxByCharacters))
  .option('--json', 'write how the task stands as JSON')
  .addHelpText('after', help)
  .addHelpText('after', exitCodesHelp('done', 'it could not be done'));

await runCommand(command, async () => {
  const [action, task] = command.processedArgs as [Action, string];
  const { stack, run, reason, by, json = false } = command.opts<Options>();
  checkStackName(stack);
  const parameters = createParameterClient();
  const table = createTableClient();
  const [machine, name] = await Promise.all([findSyncMachine(parameters, stack), findLedgerTable(parameters, stack)]);
  const tasks = (await new Parameters(parameters, tasksPathOf(stack)).tasks()).map((one) => one.name);
  const runs = new SfnRuns(createMachineClient(), machine, new DynamoLedger(table, name));
  const order = { since: Date.now(), reason, by };
  const wish = { action, task, order, ...(run !== undefined && { run }) };
  const status = await carryOut({ controls: new DynamoControls(table, name), runs, tasks }, wish);
  console.log(json ? JSON.stringify({ stack, ...status }) : describeStatus(status));
  return 0;
});

/** A parser of an option's text. */
function shortText(limit: number): (text: string) => string {
  return (text) => {
    if (text.length <= limit) return text;
    throw new InvalidArgumentError(`expected at most ${limit} characters`);
  };
}
