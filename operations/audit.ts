import { Command, InvalidArgumentError, Option } from 'commander';
import { DynamoLedgerLookup } from '../shared/aws/dynamodb/ledger-lookup.ts';
import { DynamoLedger } from '../shared/aws/dynamodb/ledger.ts';
import { Parameters } from '../shared/aws/parameters.ts';
import {
  createMachineClient,
  createParameterClient,
  createQueueClient,
  createTableClient,
} from '../shared/aws/service-clients.ts';
import { SfnUploads } from '../shared/aws/executions.ts';
import { SqsQueueDepth } from '../shared/aws/sqs/queue-depth.ts';
import { SqsRedriveQueues } from '../shared/aws/sqs/redrive.ts';
import {
  checkStackName,
  findLedgerTable,
  findQueues,
  findUploadMachine,
  tasksPathOf,
} from '../shared/aws/stack-parameters.ts';
import { Stores } from '../shared/aws/s3/stores.ts';
import { Fault, faultTable } from '../shared/model/faults.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { auditTask } from './audit/audit-task.ts';
import type { AuditContext, Depth } from './audit/context.ts';
import { ProgressLine } from './audit/progress.ts';
import { Report } from './audit/report.ts';
import { printable } from './printable.ts';

/**
 * `npm run audit`: compares source, destination, ledger, queue and open uploads of a task, with the credentials, region
 * and endpoint that the AWS command line would use. Exit codes: 0 no difference, 1 differences, or it could not be
 * done, 2 an option is wrong.
 */

interface Options {
  task: string;
  stack: string;
  deep?: true | 'proof' | 'bytes';
  limit: number;
  json?: true;
}

const help = `
Compares by the task's own rules (prefixes, include and exclude, compare, deletes): what a run would send is a
difference, unless the ledger proves that the copy is good; and so is a copy that a run takes for the same while the
ledger proves otherwise. Nothing is changed. Dead letters are received and given back, which hides them for some
seconds; jobs are only counted.

--deep also proves what a run takes for the same: equal sizes and ETags are proof (stores compute them of the bytes);
else the full-object checksums that both sides store, by HEAD; else both objects are read and their SHA-256 compared,
which costs requests and traffic. --deep bytes reads everything.

Objects that are moved during the audit are looked at a second time before they are told. For a final answer, audit
when the queue is empty. Exit codes: 0 no difference, 1 differences (or it could not be done), 2 a wrong option.`;

const command = new Command('npm run audit --')
  .description('Compares source, destination, ledger, queue and open uploads of a task, and explains each difference.')
  .requiredOption('--task <name>', 'the name of the task')
  .option('--stack <name>', 'the name of the stack', 'S3Ferry')
  .addOption(new Option('--deep [how]', 'also compare what a run takes for the same').choices(['proof', 'bytes']))
  .option('--limit <number>', 'findings of one kind that are written in words; all are counted', count, 20)
  .option('--json', 'write each finding as a line of JSON, and a summary as the last line')
  .addHelpText('after', help)
  .allowExcessArguments(false)
  .showHelpAfterError('(--help shows the options)')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

// Whoever reads the findings may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 1 : 3);
});

try {
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
  const surroundings = await connect(task, stack);
  const audited = await auditTask({
    ...surroundings,
    clock: systemClock,
    depth,
    found: report.found,
    compared: (keys) => progress.add(keys),
    restarted: report.restarted,
  });
  report.end(audited, (Date.now() - startedAt) / 1000);
  process.exitCode = report.differences > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  const text = `${error.name}: ${error.message}`.split('\n').map(printable).join('\n');
  console.error(`${text}\n(${faultTable[error.name].meaning})`);
  process.exitCode = error.name === 'InvalidInput' || error.name === 'UnknownTask' ? 2 : 1;
}

type Surroundings = Omit<AuditContext, 'clock' | 'depth' | 'found' | 'compared' | 'restarted'>;

/** @throws Fault `InvalidInput` for a stack that is not there, `UnknownTask`, `InvalidTask` */
async function connect(taskName: string, stack: string): Promise<Surroundings> {
  const parameterClient = createParameterClient();
  const [queues, table, machine] = await Promise.all([
    findQueues(parameterClient, stack),
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
    jobs: new SqsQueueDepth(queueClient, queues.jobs),
    deadLetters: new SqsQueueDepth(queueClient, queues.deadLetters),
    letters: new SqsRedriveQueues(queueClient, queues),
    shared: (await parameters.tasks()).length > 1,
  };
}

function count(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number, 0 or more');
}
