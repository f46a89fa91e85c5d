import { Command } from 'commander';
import { createParameterClient, createQueueClient } from '../shared/aws/service-clients.ts';
import { SqsRedriveQueues } from '../shared/aws/sqs/redrive.ts';
import { checkStackName, findQueues } from '../shared/aws/stack-parameters.ts';
import { Fault, faultTable } from '../shared/model/faults.ts';
import { visibleLines } from '../shared/model/text.ts';
import { redrive, type RedriveReport } from './dead-letters.ts';

/**
 * `npm run redrive`: brings dead letters back into the queue of jobs, with the credentials, region and endpoint that the
 * AWS command line would use. Exit codes: 0 all that were chosen are back, 1 some are not, 2 an option is wrong.
 */

interface Options {
  stack: string;
  task?: string;
  dryRun?: true;
  json?: true;
}

const command = new Command('npm run redrive --')
  .description('Brings jobs from the dead-letter queue of a stack back into its queue of jobs.')
  .requiredOption('--stack <name>', 'the name of the stack')
  .option('--task <name>', 'only jobs of this task; S3 events and what is no job stay')
  .option('--dry-run', 'only look and count')
  .option('--json', 'write the counts as JSON')
  .allowExcessArguments(false)
  .showHelpAfterError('(--help shows the options)')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

try {
  const { stack, task, dryRun = false, json = false } = command.opts<Options>();
  checkStackName(stack);
  const startedAt = Date.now();
  const urls = await findQueues(createParameterClient(), stack);
  const queues = new SqsRedriveQueues(createQueueClient(), urls);
  const report = await redrive(queues, { dryRun, startedAt, ...(task !== undefined && { task }) });
  console.log(json ? JSON.stringify({ stack, dryRun, ...report }) : inWords(report, dryRun));
  process.exitCode = report.failed > 0 || report.removed < report.sent ? 1 : 0;
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.error(`${error.name}: ${visibleLines(error.message)}\n(${faultTable[error.name].meaning})`);
  process.exitCode = error.name === 'InvalidInput' ? 2 : 1;
}

function inWords(report: RedriveReport, dryRun: boolean): string {
  const { found, sent, removed, left, failed } = report;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const lines = [
    `found ${found}${found > 0 ? ` (by task: ${list(report.tasks)}; by fault: ${list(report.reasons)})` : ''}`,
  ];
  if (!dryRun) lines.push(`sent ${sent}, removed ${removed}, left ${left}, failed ${failed}`);
  if (failed > 0) lines.push('what failed is still in the dead-letter queue: run the command again');
  if (removed < sent) lines.push('what was not removed is in both queues; done twice, it is skipped the second time');
  return lines.join('\n');
}
