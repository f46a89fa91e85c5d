import { createCommand, exitCodesHelp, runCommand } from '../../operations/command.ts';
import { wholeNumber } from '../support/options.ts';
import { runHistories } from './run.ts';

/**
 * `npm run histories`: random histories of writes, events, runs, consumers, faults and killed processes, in memory and
 * in one thread, so that a seed decides everything. Each must end with the destination as the source is, and must have
 * shown only whole versions. Prints the numbers of docs/results/histories.md. `npm test` runs the first 1,000.
 */

interface Options {
  count: number;
  seed: number;
  verbose?: true;
}

const command = createCommand('npm run histories --', 'Plays random histories in memory and judges how each ends.')
  .option('--count <number>', 'histories to run', wholeNumber(1), 1000)
  .option('--seed <number>', 'seed of the first history; the others have the seeds that follow', wholeNumber(), 1)
  .option('--verbose', 'print every event; with --count 1 this replays one history')
  .addHelpText('after', exitCodesHelp('every history ended as it must', 'a history has violations'));

await runCommand(command, async () => {
  const { count, seed, verbose } = command.opts<Options>();
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const result = await runHistories({ count, seed }, verbose && print);
  const { histories, calls, killed, buried, outages, landed, refused, omitted, leastPerStore, failures } = result;
  for (const failure of failures) print(failure);
  print(
    `${histories} histories from seed ${seed}: ${calls} calls, ${killed} processes killed, ${buried} dead letters, ` +
      `${outages} calls refused in outages, ` +
      `late writes: ${landed} took effect, ${refused} refused, ${omitted} left out; ` +
      `each store was the source of at least ${leastPerStore.source} and the destination of ` +
      `${leastPerStore.destination}; ${failures.length} with violations`,
  );
  return failures.length > 0 ? 1 : 0;
});
