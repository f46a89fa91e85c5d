import { availableParallelism, totalmem } from 'node:os';
import { networkOf } from '../shared/aws/http/connections.ts';
import { isFault } from '../shared/model/faults.ts';
import { helpText, readWorkerEnvironment } from './environment.ts';
import { Primary } from './primary.ts';
import { runProcess } from './process.ts';

/**
 * The EC2 worker: it takes jobs from the same queue as the Lambda function, and runs the same transfer core.
 *
 * This is its entry point. Without an argument it is the primary process ({@link Primary}), which keeps one process per
 * core running, ends them on SIGTERM or a spot notice, and writes the health file. The primary starts this script with
 * the argument `process` for each of them ({@link runProcess}). Such a process receives messages (QueueConsumer), hides
 * each from other consumers while its job makes progress (Delivery, heartbeat.ts), and deletes the finished ones
 * (Deletions).
 */

const usageExit = 2;

const [argument] = process.argv.slice(2);
if (argument === '--help' || argument === '-h') process.stdout.write(helpText());
else process.exit(await main(argument));

async function main(role: string | undefined): Promise<number> {
  if (role !== undefined && role !== 'process') {
    process.stderr.write(`found "${role}", expected no argument or --help\n`);
    return usageExit;
  }
  try {
    const machine = { processors: availableParallelism(), memoryBytes: totalmem() };
    // Every client reads it again; a fault belongs here, before any of them exists.
    networkOf(process.env);
    const environment = readWorkerEnvironment(process.env, machine);
    return role === 'process'
      ? await runProcess(environment)
      : await new Primary(environment, process.argv[1] ?? '').run();
  } catch (error) {
    if (!isFault(error, 'InvalidInput')) throw error;
    process.stderr.write(`${error.name}: ${error.message}\n`);
    return usageExit;
  }
}
