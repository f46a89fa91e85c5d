import { createParameterClient, createQueueClient } from '../shared/aws/service-clients.ts';
import { SqsRedriveQueues } from '../shared/aws/sqs/redrive.ts';
import { checkStackName, findQueues } from '../shared/aws/stack-parameters.ts';
import { createCommand, exitCodesHelp, runCommand, stackOption } from './command.ts';
import { redrive, type RedriveReport } from './dead-letters.ts';

/**
 * `npm run redrive`: moves dead letters back to the job queue of a stack, with the credentials, region and endpoint
 * that the AWS command line would use.
 */

interface Options {
  stack: string;
  task?: string;
  dryRun?: true;
  json?: true;
}

const command = createCommand(
  'npm run redrive --',
  'Moves jobs from the dead-letter queue of a stack to its job queue.',
)
  .addOption(stackOption())
  .option('--task <name>', 'only jobs of this task; S3 events and messages that are not jobs stay')
  .option('--dry-run', 'only read and count the messages')
  .option('--json', 'write the counts as JSON')
  .addHelpText('after', exitCodesHelp('all chosen messages are back in the job queue', 'some are not'));

await runCommand(command, async () => {
  const { stack, task, dryRun = false, json = false } = command.opts<Options>();
  checkStackName(stack);
  const startedAt = Date.now();
  const urls = await findQueues(createParameterClient(), stack);
  const queues = new SqsRedriveQueues(createQueueClient(), urls);
  const report = await redrive(queues, { dryRun, startedAt, ...(task !== undefined && { task }) });
  console.log(json ? JSON.stringify({ stack, dryRun, ...report }) : describeReport(report, dryRun));
  return report.failed > 0 || report.removed < report.sent ? 1 : 0;
});

function describeReport(report: RedriveReport, dryRun: boolean): string {
  const { found, sent, removed, left, failed } = report;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const lines = [
    `found ${found}${found > 0 ? ` (by task: ${list(report.tasks)}; by fault: ${list(report.reasons)})` : ''}`,
  ];
  if (!dryRun) lines.push(`sent ${sent}, removed ${removed}, left ${left}, failed ${failed}`);
  if (failed > 0) lines.push('failed messages are still in the dead-letter queue: run the command again');
  if (removed < sent)
    lines.push('messages that were sent but not removed are in both queues; a second delivery is skipped');
  return lines.join('\n');
}
