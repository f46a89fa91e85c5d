import { Option } from 'commander';
import { DynamoLedgerLookup } from '../shared/aws/dynamodb/ledger-lookup.ts';
import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import {
  createMachineClient,
  createParameterClient,
  createQueueClient,
  createTableClient,
} from '../shared/aws/service-clients.ts';
import { SfnUploads } from '../shared/aws/upload-executions.ts';
import { SqsQueueDepth } from '../shared/aws/sqs/queue-depth.ts';
import { SqsRedriveQueues } from '../shared/aws/sqs/redrive.ts';
import {
  checkStackName,
  findEventsQueue,
  findLedgerTable,
  findQueues,
  findUploadMachine,
} from '../shared/aws/stack-parameters.ts';
import { tasksPathOf } from '../shared/model/parameter-paths.ts';
import { Stores } from '../shared/aws/s3/stores.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { auditTask } from './audit/audit-task.ts';
import type { AuditContext, Depth } from './audit/context.ts';
import { ProgressLine } from './audit/progress.ts';
import { Report } from './audit/report.ts';
import { createCommand, exitCodesHelp, parseCount, runCommand, stackOption } from './command.ts';

/**
 * `npm run audit`: compares source, destination, ledger, queue and open uploads of a task, with the credentials, region
 * and endpoint that the AWS command line would use.
 */

interface Options {
  task: string;
  stack: string;
  deep?: true | 'proof' | 'bytes';
  limit: number;
  json?: true;
}

const help = `
The task's own rules apply (prefixes, include and exclude, compare, deletes). An object that a run would send is a
difference, unless the ledger proves that the copy is good. A copy that a run would skip is a difference if the ledger
proves that it is not the source's version. The audit changes nothing. It receives dead letters and releases them, which
hides them for some seconds; it only counts jobs.

--deep also proves the objects that a run would skip. Equal sizes and ETags are proof, because stores compute ETags from
the bytes; next come the full-object checksums that both sides store, read by HEAD; last, both objects are read and
their SHA-256 compared, which costs requests and traffic. --deep bytes reads every object.

Objects that change during the audit are checked a second time before they are reported. For a final answer, run the
audit when the queue is empty.`;

const command = createCommand(
  'npm run audit --',
  'Compares source, destination, ledger, queue and open uploads of a task, and explains each difference.',
)
  .requiredOption('--task <name>', 'name of the task')
  .addOption(stackOption())
  .addOption(new Option('--deep [how]', 'also prove the objects that a run would skip').choices(['proof', 'bytes']))
  .option('--limit <number>', 'findings of one kind that are written out; all are counted', parseCount, 20)
  .option('--json', 'write each finding as a line of JSON, and a summary as the last line')
  .addHelpText('after', help)
  .addHelpText('after', exitCodesHelp('no difference', 'differences, or the audit failed'));

// A reader such as `head` may close the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 1 : 3);
});

await runCommand(command, async () => {
  const { task, stack, deep, limit, json = false } = command.opts<Options>();
  checkStackName(stack);
  const startedAt = Date.now();
  const depth: Depth = deep === true ? 'proof' : (deep ?? 'off');
  const progress = new ProgressLine(process.stderr);
  const write = (line: string): void => {
    progress.clear();
    process.stdout.write(`${line}\n`);
  };
  const report = new Report({ task, stack, json, limit, depth, write });
  const audited = await auditTask({
    ...(await connect(task, stack)),
    clock: systemClock,
    depth,
    found: report.found,
    compared: (keys) => progress.add(keys),
    restarted: report.restarted,
  });
  report.end(audited, (Date.now() - startedAt) / 1000);
  return report.differences > 0 ? 1 : 0;
});

/** The ports of an audit, on AWS. */
type Ports = Omit<AuditContext, 'clock' | 'depth' | 'found' | 'compared' | 'restarted'>;

/** @throws Fault `InvalidInput` if the stack does not exist, `UnknownTask`, `InvalidTask` */
async function connect(taskName: string, stack: string): Promise<Ports> {
  const parameterClient = createParameterClient();
  const [queues, events, table, machine] = await Promise.all([
    findQueues(parameterClient, stack),
    findEventsQueue(parameterClient, stack),
    findLedgerTable(parameterClient, stack),
    findUploadMachine(parameterClient, stack),
  ]);
  const parameters = new Parameters(parameterClient, tasksPathOf(stack));
  const task = await parameters.task(taskName);
  const tables = createTableClient();
  const queueClient = createQueueClient();
  return {
    task,
    ...(await new Stores(parameters).of(task)),
    ledger: new DynamoLedger(tables, table),
    lookup: new DynamoLedgerLookup(tables, table),
    executions: new SfnUploads(createMachineClient(), machine),
    jobs: new SqsQueueDepth(queueClient, queues.jobs, events),
    deadLetters: new SqsQueueDepth(queueClient, queues.deadLetters),
    letters: new SqsRedriveQueues(queueClient, queues),
    hasOtherTasks: (await parameters.tasks()).length > 1,
  };
}
