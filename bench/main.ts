import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { createCommand, exitCodesHelp, runCommand } from '../operations/command.ts';
import { Fault } from '../shared/model/faults.ts';
import { wholeNumber } from '../trials/support/options.ts';
import { measure, median, startServer, type Measured } from './peers/measure.ts';
import { ferry, rclone, workloads, type Workload } from './peers/workloads.ts';

/**
 * `npm run bench`: S3 Ferry and rclone do the same work in turn, against the same store in a process of its own. What
 * is compared is a ratio of medians: single figures vary with the machine.
 */

interface Options {
  rounds: number;
  json?: string;
}

const names = workloads.map(({ name }) => name);
const command = createCommand('npm run bench --', 'Compares S3 Ferry with rclone on the same work.')
  .argument('[workload...]', `some of ${names.join(', ')}; all by default`)
  .option('--rounds <number>', 'pairs of runs', wholeNumber(1), 5)
  .option('--json <file>', 'write every run to this file')
  .addHelpText('after', exitCodesHelp('every command did its work', 'a command failed'));

interface Compared {
  readonly workload: string;
  readonly ferry: readonly Measured[];
  /** empty if rclone is not installed */
  readonly rclone: readonly Measured[];
}

async function compare(workload: Workload, rounds: number, hasPeer: boolean): Promise<Compared> {
  const directory = mkdtempSync(join(tmpdir(), 's3-ferry-bench-'));
  const server = fileURLToPath(new URL('store/main.ts', import.meta.url));
  const runs: { ferry: Measured[]; rclone: Measured[] } = { ferry: [], rclone: [] };
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [name, invocation] of [['ferry', ferry] as const, ...(hasPeer ? [['rclone', rclone] as const] : [])]) {
        // A store that has nothing yet, for each.
        const store = await startServer(server, [
          JSON.stringify(workload.store),
          String(workload.pageDelayMillis ?? 0),
        ]);
        try {
          const endpoint = `http://127.0.0.1:${store.port}`;
          runs[name].push(await measure(invocation(workload, endpoint), directory));
        } finally {
          store.stop();
        }
      }
      process.stderr.write(`${workload.name}: pair ${round} of ${rounds}\n`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return { workload: workload.name, ...runs };
}

/** One line of the table. */
function line(workload: Workload, { ferry: ours, rclone: theirs }: Compared): string {
  const scale = workload.unit === 'object' ? 1000 : 1;
  const cpu = (runs: readonly Measured[]): number => median(runs.map(({ cpuSeconds }) => cpuSeconds));
  const wall = (runs: readonly Measured[]): number => median(runs.map(({ wallSeconds }) => wallSeconds));
  const peak = (runs: readonly Measured[]): number => median(runs.map(({ peakMiB }) => peakMiB));
  const shown = (runs: readonly Measured[]): string => {
    if (runs.length === 0) return 'not installed';
    const each = workload.unit === 'key' ? `${Math.round(workload.amount / cpu(runs) / 1000)}k keys/CPU s` : undefined;
    const unit = workload.unit === 'object' ? 'ms CPU an object' : 'CPU s a GB';
    const cost = each ?? `${((cpu(runs) * scale) / workload.amount).toFixed(2)} ${unit}`;
    return `${cost}, ${wall(runs).toFixed(1)} s, ${peak(runs).toFixed(0)} MiB`;
  };
  const ratio =
    theirs.length === 0 ? '' : `${(cpu(ours) / cpu(theirs)).toFixed(2)} / ${(wall(ours) / wall(theirs)).toFixed(2)}`;
  return `| ${workload.what} | ${shown(ours)} | ${shown(theirs)} | ${ratio} |`;
}

await runCommand(command, async () => {
  const { rounds, json } = command.opts<Options>();
  const wanted = command.args.length === 0 ? names : command.args;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Fault('InvalidInput', `there is no workload "${unknown}"; there are ${names.join(', ')}`);
  }
  const hasPeer = spawnSync('rclone', ['version']).status === 0;
  const lines: string[] = [];
  const compared: Compared[] = [];
  for (const workload of workloads.filter(({ name }) => wanted.includes(name))) {
    const result = await compare(workload, rounds, hasPeer);
    compared.push(result);
    lines.push(line(workload, result));
  }
  const head = '| work | S3 Ferry | rclone | ratio of CPU / of wall |\n| --- | --- | --- | --- |';
  process.stdout.write(`${[head, ...lines].join('\n')}\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(compared, null, 2)}\n`);
  return 0;
});
