import { join } from 'node:path';
import { createCommand, exitCodesHelp, runCommand } from '../../operations/command.ts';
import { sizeOption } from '../../local/run/settings.ts';
import { Fault } from '../../shared/model/faults.ts';
import { maxBufferedBodyBytes, minPartBytes } from '../../shared/model/limits.ts';
import { victims } from './victims.ts';
import { Objects } from './objects.ts';
import { openSite, runKills, type KillsResult } from './run.ts';
import type { Site } from './sites.ts';
import { directoryForThisProcess } from '../support/process-directory.ts';
import { wholeNumber } from '../support/options.ts';
import { Random } from '../../test/support/random.ts';
import { markdownTable, mebibytes } from '../support/table.ts';

/**
 * `npm run test:kills`: kill -9 of each process that a large object passes through, at random moments of its transfer.
 * The store runs in a process of its own and counts what it receives. Each object must arrive whole, and no more may be
 * sent again than was in flight. Prints the table of docs/results/kills.md. `npm test` makes a few of these kills.
 */

interface Options {
  kind: string[];
  count: number;
  size: string;
  partSize: string;
  seed: number;
  log: boolean;
  json: boolean;
}

const names = victims.map(({ name }) => `"${name}"`).join(', ');
const command = createCommand('npm run test:kills --', 'Kills (kill -9) each process that moves a large object.')
  .option('--kind <text...>', `only processes whose name contains this: ${names}`, [])
  .option('--count <number>', 'kills of each process', wholeNumber(1), 50)
  .option('--size <size>', 'size of the object', '1GiB')
  .option('--part-size <size>', 'size of its parts', '16MiB')
  .option('--seed <number>', 'the moments are drawn from it', wholeNumber(), 1)
  .option('--log', 'write what the processes log to standard error', false)
  .option('--json', 'print the results as JSON', false)
  .addHelpText('after', exitCodesHelp('each object arrived whole', 'an object did not, or too much was sent again'));

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const { count, seed } = options;
  const partSize = sizeOption('--part-size', options.partSize, minPartBytes, maxBufferedBodyBytes);
  const size = sizeOption('--size', options.size, 2 * partSize);
  const chosen = victims.filter(
    ({ name }) => options.kind.length === 0 || options.kind.some((text) => name.includes(text)),
  );
  if (chosen.length === 0) {
    throw new Fault('InvalidInput', `--kind: found "${options.kind.join('", "')}", expected a part of ${names}`);
  }
  const directory = directoryForThisProcess('kills');
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const log = (text: string): void => {
    if (options.log) process.stderr.write(text);
  };
  const results: KillsResult[] = [];
  const objects = await Objects.open(join(directory, 'store'), { size, partSize });
  try {
    for (const [name, group] of Map.groupBy(chosen, ({ site }) => site)) {
      const site: Site = await openSite(name, { directory: join(directory, name), objects, log });
      try {
        for (const victim of group) {
          const random = new Random(seed + victims.indexOf(victim));
          results.push(await runKills(site, objects, { victim, count, random, say }));
        }
      } finally {
        await site.close();
      }
    }
  } finally {
    await objects.close();
  }
  process.stdout.write(options.json ? `${JSON.stringify({ size, partSize, seed, results })}\n` : table(results));
  for (const { violations } of results) for (const violation of violations) say(`violation: ${violation}`);
  return results.some(({ violations }) => violations.length > 0) ? 1 : 0;
});

function table(results: readonly KillsResult[]): string {
  const heads = ['process', 'kills', 'completed', 'in flight, mean', 'in flight, max', 'sent again, mean'];
  heads.push('sent again, max', 'left to the sweeper', 'slowest end', 'violations');
  const rows = results.map((one) => [
    one.victim,
    one.kills,
    one.completed,
    `${one.meanInFlight.toFixed(1)} parts`,
    `${one.maxInFlight} parts`,
    mebibytes(one.meanSentAgain),
    mebibytes(one.maxSentAgain),
    one.swept,
    `${one.maxSeconds.toFixed(1)} s`,
    one.violations.length,
  ]);
  return markdownTable(heads, rows);
}
