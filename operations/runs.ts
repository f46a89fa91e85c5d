import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { DynamoLedgerLookup } from '../shared/aws/dynamodb/ledger-lookup.ts';
import { DynamoRunCounters } from '../shared/aws/dynamodb/run-counters.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import { createMachineClient, createParameterClient, createTableClient } from '../shared/aws/service-clients.ts';
import { checkStackName, findLedgerTable, findSyncMachine } from '../shared/aws/stack-parameters.ts';
import { executionsOf } from '../shared/aws/sync-executions.ts';
import { tasksPathOf } from '../shared/model/parameter-paths.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { createCommand, exitCodesHelp, runCommand, stackOption } from './command.ts';
import { describeRow, describeRun, rowHeading } from './describe-runs.ts';
import { listRuns, showRun, type RunsContext } from './run-views.ts';

/** `npm run runs`: what the runs of tasks did, and do. It only reads. */

interface Options {
  stack: string;
  task?: string;
  run?: string;
  json?: true;
}

const help = `
Without --run: the latest runs of the task, or a few of each task. With it: how many objects took each route, the
slowest copies, keys that failed, and why the run failed or did not begin.

A run counts what it found when it has ended; what was copied, skipped, deleted or failed is shown while it is under
way, and may lag by a minute. STOPPED is a run whose execution ended without its last step. Dry runs are recorded at
their end.`;

const command = createCommand('npm run runs --', 'Shows the runs of the tasks of a stack.')
  .addOption(stackOption())
  .option('--task <name>', 'only this task')
  .option('--run <run>', 'one run in detail: the name of its execution')
  .option('--json', 'write each run as a line of JSON')
  .addHelpText('after', help)
  .addHelpText('after', exitCodesHelp('shown', 'it could not be read'));

await runCommand(command, async () => {
  const { stack, task, run, json = false } = command.opts<Options>();
  checkStackName(stack);
  const context = await contextOf(stack);
  if (run !== undefined) {
    const detail = await showRun(context, run, task);
    console.log(json ? JSON.stringify({ stack, ...detail }) : describeRun(detail));
    return 0;
  }
  let count = 0;
  for await (const view of listRuns(context, task)) {
    if (count++ === 0 && !json) console.log(rowHeading);
    console.log(json ? JSON.stringify({ stack, ...view }) : describeRow(view));
  }
  if (count === 0 && !json) console.log('no run is recorded');
  return 0;
});

async function contextOf(stack: string): Promise<RunsContext> {
  const parameters = createParameterClient();
  const client = createTableClient();
  const [machine, table] = await Promise.all([findSyncMachine(parameters, stack), findLedgerTable(parameters, stack)]);
  const tasks = await new Parameters(parameters, tasksPathOf(stack)).tasks();
  return {
    ledger: new DynamoLedger(client, table),
    lookup: new DynamoLedgerLookup(client, table),
    counters: new DynamoRunCounters(client, table),
    executions: executionsOf(createMachineClient(), machine),
    clock: systemClock,
    tasks: tasks.map(({ name }) => name),
  };
}
