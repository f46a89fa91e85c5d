import { writeFileSync } from 'node:fs';
import { createCommand, exitCodesHelp, runCommand } from '../../operations/command.ts';
import { landscapes } from './landscapes.ts';
import { virtualRun, type VirtualRun } from './virtual-run.ts';

/** `npm run finding`: how fast many finders are, over ten layouts of keys, in virtual time. */

const million = 1_000_000;
const cases = [
  { title: '20 finders, 1M keys in pages of 100', keys: million, finders: 20, page: 100, limit: undefined },
  { title: '40 finders, 100M keys', keys: 100 * million, finders: 40, page: 1000, limit: 15 },
  { title: '400 finders, 100M keys', keys: 100 * million, finders: 400, page: 1000, limit: 3 },
] as const;
/** What must hold. */
const least = { speedUp: 15, wasted: 0.1 };

const command = createCommand('npm run finding --', 'Searches ten layouts of keys in virtual time.')
  .option('--json <file>', 'also write the results to a file')
  .addHelpText('after', exitCodesHelp('every layout is as fast as it must be', 'one is not'));

await runCommand(command, async () => {
  const { json } = command.opts<{ json?: string }>();
  const all: { title: string; runs: VirtualRun[] }[] = [];
  let good = true;
  for (const { title, keys, finders, page, limit } of cases) {
    const runs = [];
    for (const land of landscapes(keys)) runs.push(await virtualRun(land, { finders, page }));
    all.push({ title, runs });
    process.stdout.write(`## ${title}\n\n${table(runs)}\n\n`);
    good &&= runs.every(
      (run) =>
        wasted(run) <= least.wasted &&
        (limit === undefined ? speedUp(run) >= least.speedUp : run.seconds <= limit * 60),
    );
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
  return good ? 0 : 1;
});

function table(runs: readonly VirtualRun[]): string {
  const rows = runs.map((run) => [
    run.name,
    speedUp(run).toFixed(1),
    (run.aloneSeconds / run.seconds).toFixed(1),
    `${(run.seconds / 60).toFixed(1)} min`,
    String(run.rounds),
    String(run.looks),
    `${(wasted(run) * 100).toFixed(1)}%`,
    `${Math.ceil(run.largestBytes / 1024)} KiB`,
  ]);
  const head = ['layout', 'speed-up', 'with waits', 'time', 'rounds', 'looks', 'wasted LISTs', 'ranges'];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Of the finders: how much faster they list than one does. */
function speedUp({ aloneSeconds, listingSeconds }: VirtualRun): number {
  return aloneSeconds / listingSeconds;
}

function wasted({ lists, neededLists }: VirtualRun): number {
  return (lists - neededLists) / lists;
}
