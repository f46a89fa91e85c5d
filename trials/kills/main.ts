import { join } from 'node:path';
import { Command } from 'commander';
import { runCommand } from '../../operations/command.ts';
import { sizeOption } from '../../local/run/settings.ts';
import { Fault } from '../../shared/model/faults.ts';
import { maxBufferedBodyBytes, MiB, minPartBytes } from '../../shared/model/limits.ts';
import { victims } from './victims.ts';
import { Objects } from './objects.ts';
import { openSite, runKills, type KillsResult } from './run.ts';
import type { Site } from './sites.ts';
import { directoryForThisProcess } from '../support/process-directory.ts';
import { Random } from '../support/random.ts';

/**
 * `npm run test:kills`: kill -9 of each kind of process at random moments of a large object. Prints the table of
 * docs/results/kills.md; exits with 1 where an object did not arrive whole, or more was sent again than was in flight.
 */

interface Options {
  kind: string[];
  count: string;
  size: string;
  partSize: string;
  seed: string;
  log: boolean;
  json: boolean;
}

const names = victims.map(({ name }) => `"${name}"`).join(', ');
const command = new Command('npm run test:kills --')
  .description('Kills (kill -9) each kind of process at random moments while it moves a large object.')
  .option('--kind <text...>', `only kinds whose name contains this: ${names}`, [])
  .option('--count <number>', 'kills of each kind', '50')
  .option('--size <size>', 'size of the object', '1GiB')
  .option('--part-size <size>', 'size of its parts', '16MiB')
  .option('--seed <number>', 'the moments are drawn from it', '1')
  .option('--log', 'write what the processes log to standard error', false)
  .option('--json', 'print the results as JSON', false)
  .allowExcessArguments(false);

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const partSize = sizeOption('--part-size', options.partSize, minPartBytes, maxBufferedBodyBytes);
  const size = sizeOption('--size', options.size, 2 * partSize);
  const count = wholeNumber('--count', options.count, 1);
  const seed = wholeNumber('--seed', options.seed, 0);
  const kinds = victims.filter(
    ({ name }) => options.kind.length === 0 || options.kind.some((text) => name.includes(text)),
  );
  if (kinds.length === 0) {
    throw new Fault('InvalidInput', `--kind: found "${options.kind.join('", "')}", expected a part of ${names}`);
  }
  const directory = directoryForThisProcess('kills');
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const log = (text: string): void => {
    if (options.log) process.stderr.write(text);
  };
  const results: KillsResult[] = [];
  const objects = await Objects.open(join(directory, 'store'), size, partSize);
  try {
    for (const [name, group] of Map.groupBy(kinds, ({ site }) => site)) {
      const site: Site = await openSite(name, join(directory, name), objects, partSize, log);
      try {
        for (const kind of group) {
          const random = new Random(seed + victims.indexOf(kind));
          results.push(await runKills(site, objects, { kind, count, size, partSize, random, say }));
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

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= least) return number;
  throw new Fault('InvalidInput', `${option}: found "${text}", expected a whole number, ${least} or more`);
}

function table(results: readonly KillsResult[]): string {
  const heads = ['process', 'kills', 'completed', 'in flight, mean', 'in flight, max', 'sent again, mean'];
  heads.push('sent again, max', 'left to the sweeper', 'slowest end', 'violations');
  const mebibytes = (bytes: number): string => `${(bytes / MiB).toFixed(1)} MiB`;
  const rows = results.map((one) => [
    one.kind,
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
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
