import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCommand, exitCodesHelp, runCommand } from '../../operations/command.ts';
import { project } from '../../test/support/child.ts';
import { everything, Meter, type Trend } from './meter.ts';
import { Soak, type SoakResult } from './run.ts';
import type { PipelineAddress } from './pipeline.ts';
import { directoryForThisProcess } from '../support/process-directory.ts';
import { minutes, wholeNumber } from '../support/options.ts';
import { markdownTable, mebibytes } from '../support/table.ts';
import { growthOf } from './verdict.ts';

/**
 * `npm run soak`: the deployed pipeline at full load, with Lambda and the worker side by side and a store that fails,
 * watched for memory, files and sockets that grow. At the end the destination must be as the source is. Prints the
 * tables of docs/results/soak.md.
 */

interface Options {
  minutes: number;
  seed: number;
  json: boolean;
}

const command = createCommand(
  'npm run soak --',
  'Keeps the pipeline at full load while requests fail; watches its use.',
)
  .option(
    '--minutes <number>',
    'time at full load; coming to rest takes more time; under 8, warm-up looks like growth',
    minutes(1, 24 * 60),
    30,
  )
  .option('--seed <number>', 'the changes at the source and the faults are drawn from it', wholeNumber(), 1)
  .option('--json', 'print the results as JSON', false)
  .addHelpText('after', exitCodesHelp('nothing grew and the sides are the same', 'something grew or differs'));

const say = (line: string): void => void process.stderr.write(`${line}\n`);

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const directory = directoryForThisProcess('soak');
  const pipeline = fork(join(project, 'trials/soak/pipeline.ts'), [join(directory, 'data'), String(options.seed)], {
    execArgv: ['--max-semi-space-size=4'],
    env: { ...process.env, NODE_OPTIONS: '', MALLOC_ARENA_MAX: '2' },
  });
  try {
    const [address] = (await Promise.race([once(pipeline, 'message'), died(pipeline)])) as [PipelineAddress];
    const meter = new Meter(pipeline.pid ?? 0, 'endpoint and store');
    const soak = new Soak({ pipeline, address, meter, seed: options.seed, say });
    const result = await Promise.race([soak.run(options.minutes * 60_000), died(pipeline)]);
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : tables(result));
    for (const violation of result.violations) say(`violation: ${violation}`);
    return result.violations.length > 0 ? 1 : 0;
  } finally {
    await end(pipeline);
  }
});

/** Rejects when the pipeline's process exits. */
async function died(pipeline: ChildProcess): Promise<never> {
  const [code, signal] = (await once(pipeline, 'exit')) as [number | null, string | null];
  throw new Error(`the pipeline's process exited with ${code ?? signal ?? '?'}`);
}

async function end(pipeline: ChildProcess): Promise<void> {
  if (pipeline.exitCode !== null || pipeline.signalCode !== null) return;
  const ended = once(pipeline, 'exit');
  pipeline.send('end');
  const last = sleep(60_000, undefined, { ref: false }).then(() => pipeline.kill('SIGKILL'));
  await Promise.race([ended, last.then(() => ended)]);
}

function tables({ trends, numbers }: SoakResult): string {
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
  return `${markdownTable(heads, sorted.map(row))}\n${markdownTable(['what', 'number'], Object.entries(numbers))}`;
}
