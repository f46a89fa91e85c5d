import { availableParallelism, totalmem } from 'node:os';
import { isFault } from '../shared/model/faults.ts';
import { helpText, readWorkerEnvironment } from './environment.ts';
import { Primary } from './primary.ts';
import { runProcess } from './process.ts';

/** The worker's entry point: the primary process, or (argument `process`, by the primary only) one that moves objects. */

const usageExit = 2;

const [argument] = process.argv.slice(2);
if (argument === '--help' || argument === '-h') process.stdout.write(helpText());
else process.exit(await main(argument));

async function main(role: string | undefined): Promise<number> {
  if (role !== undefined && role !== 'process') {
    process.stderr.write(`found "${role}", expected no argument but --help\n`);
    return usageExit;
  }
  try {
    const machine = { processors: availableParallelism(), memory: totalmem() };
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
