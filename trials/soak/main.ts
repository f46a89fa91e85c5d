import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { runCommand } from '../../operations/command.ts';
import { project } from '../../test/support/child.ts';
import { Fault } from '../../shared/model/faults.ts';
import { everything, Meter, type Trend } from './meter.ts';
import { Soak, type SoakResult } from './run.ts';
import type { PipelinePlace } from './pipeline.ts';
import { directoryForThisProcess } from '../support/process-directory.ts';
import { growthOf } from './verdict.ts';

/**
 * `npm run soak`: the pipeline at full load with a store that goes wrong, Lambda and the worker side by side, watched for
 * memory, files and sockets that grow. Prints the tables of docs/results/soak.md; exits with 1 where something grows, or
 * where the destination does not end as the source is.
 */

interface Options {
  minutes: string;
  seed: string;
  json: boolean;
}

const command = new Command('npm run soak --')
  .description('Runs the whole pipeline at full load while requests go wrong, and watches what its processes use.')
  .option('--minutes <number>', 'how long, without the time to come to rest', '30')
  .option('--seed <number>', 'what is changed at the source, and what goes wrong, are drawn from it', '1')
  .option('--json', 'print the results as JSON', false)
  .allowExcessArguments(false);

const say = (line: string): void => void process.stderr.write(`${line}\n`);

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const minutes = Number(options.minutes);
  if (!(minutes >= 1 && minutes <= 24 * 60)) {
    throw new Fault('InvalidInput', `--minutes: found "${options.minutes}", expected a number from 1 to 1440`);
  }
  if (!/^[0-9]{1,9}$/.test(options.seed)) {
    throw new Fault('InvalidInput', `--seed: found "${options.seed}", expected a whole number`);
  }
  const directory = directoryForThisProcess('soak');
  const pipeline = fork(join(project, 'trials/soak/pipeline.ts'), [join(directory, 'data'), options.seed], {
    execArgv: ['--max-semi-space-size=4'],
    env: { ...process.env, NODE_OPTIONS: '', MALLOC_ARENA_MAX: '2' },
  });
  try {
    const [place] = (await Promise.race([once(pipeline, 'message'), died(pipeline)])) as [PipelinePlace];
    const meter = new Meter(pipeline.pid ?? 0, 'endpoint and store');
    const soak = new Soak(pipeline, place, meter, Number(options.seed), say);
    const result = await Promise.race([soak.run(minutes * 60_000), died(pipeline)]);
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : tables(result));
    for (const violation of result.violations) say(`violation: ${violation}`);
    return result.violations.length > 0 ? 1 : 0;
  } finally {
    await end(pipeline);
  }
});

/** Rejects when the pipeline ends by itself. */
async function died(pipeline: ChildProcess): Promise<never> {
  const [code, signal] = (await once(pipeline, 'exit')) as [number | null, string | null];
  throw new Error(`the pipeline ended by itself, with ${code ?? signal ?? '?'}`);
}

async function end(pipeline: ChildProcess): Promise<void> {
  if (pipeline.exitCode !== null || pipeline.signalCode !== null) return;
  const ended = once(pipeline, 'exit');
  pipeline.send('end');
  const last = sleep(60_000, undefined, { ref: false }).then(() => pipeline.kill('SIGKILL'));
  await Promise.race([ended, last.then(() => ended)]);
}

function tables({ trends, numbers }: SoakResult): string {
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const row = ({ process, first, last, most, ...rest }: Trend): (string | number)[] => [
    process,
    mebibytes(first.resident),
    mebibytes(last.resident),
    `${(growthOf({ process, first, last, most, ...rest }) * 100).toFixed(1)} %`,
    mebibytes(most.resident),
    `${first.sockets.toFixed(0)} / ${last.sockets.toFixed(0)} / ${most.sockets}`,
    `${first.files.toFixed(0)} / ${last.files.toFixed(0)} / ${most.files}`,
  ];
  const heads = ['process', 'memory, first third', 'memory, last third', 'growth', 'memory, most'];
  heads.push('sockets, first / last / most', 'files, first / last / most');
  const sorted = [...trends].sort((a, b) =>
    a.process === everything ? 1 : b.process === everything ? -1 : b.last.resident - a.last.resident,
  );
  return [
    ...lines([heads, heads.map(() => '---'), ...sorted.map(row)]),
    '',
    ...lines([['what', 'number'], ['---', '---'], ...Object.entries(numbers)]),
    '',
  ].join('\n');
}

function lines(rows: readonly (readonly (string | number)[])[]): string[] {
  return rows.map((cells) => `| ${cells.join(' | ')} |`);
}
