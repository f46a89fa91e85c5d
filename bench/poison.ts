import { Option } from 'commander';
import { localNames } from '../local/run/settings.ts';
import { createCommand, exitCodesHelp, runCommand } from '../operations/command.ts';
import { maxReceives } from '../shared/model/limits.ts';
import { wholeNumber } from '../trials/support/options.ts';
import { Pipeline, taskNameOf } from '../trials/support/pipeline.ts';

/**
 * `node bench/poison.ts`: does an object that cannot be read slow the others down? Transfers the same number of objects
 * with and without poisoned ones among them, alternately, through the whole pipeline on this machine, and compares how
 * long the healthy ones take. Prints the numbers of docs/results/dead-letters.md.
 */

interface Options {
  objects: number;
  poisoned: number;
  rounds: number;
  consumer: 'lambda' | 'ec2';
  json?: true;
}

/** Highest ratio of the lower quartiles, with and without poisoned objects. */
const maxRatio = 1.1;

const command = createCommand('node bench/poison.ts', 'Does an object that cannot be read slow the others down?')
  .option('--objects <number>', 'healthy objects per round', wholeNumber(1), 200)
  .option('--poisoned <number>', 'poisoned objects among them', wholeNumber(1), 1)
  .option('--rounds <number>', 'rounds of each kind', wholeNumber(1), 12)
  .addOption(new Option('--consumer <name>', 'what takes the jobs').choices(['lambda', 'ec2']).default('lambda'))
  .option('--json', 'write the numbers as JSON')
  .addHelpText('after', exitCodesHelp(`the ratio is at most ${maxRatio}`, 'it is more'));

/** One run of a group of keys. @returns seconds from the start of the run to the arrival of the last healthy object */
async function timeRound(
  pipeline: Pipeline,
  group: string,
  { objects, poisoned }: Pick<Options, 'objects' | 'poisoned'>,
): Promise<number> {
  const task = taskNameOf('put');
  const wanted = await pipeline.prepare('put', group, objects + poisoned);
  const keys = [...wanted.keys()];
  // Spread among the others, so that a batch has some of both.
  const bad = new Set(
    Array.from({ length: poisoned }, (_, index) => keys[Math.floor((keys.length / poisoned) * index)]),
  );
  const left = new Set(keys.filter((key) => !bad.has(key)));
  pipeline.s3Fault = ({ operation, bucket, key }) =>
    operation === 'GetObject' && bucket === localNames.sourceBucket && bad.has(key)
      ? { kind: 'status', status: 403, code: 'AccessDenied', message: 'kms:Decrypt' }
      : undefined;
  const { promise, resolve } = Promise.withResolvers<number>();
  const began = performance.now();
  pipeline.onRequest = ({ operation, bucket, status, key }) => {
    if (operation !== 'PutObject' || bucket !== localNames.destinationBucket || status !== 200) return;
    if (left.delete(key) && left.size === 0) resolve((performance.now() - began) / 1000);
  };
  await pipeline.runs.sync(task, `${task}/${group}/`);
  const seconds = await promise;
  await pipeline.runs.waitUntilIdle();
  pipeline.requests = [];
  return seconds;
}

/** Other work on the machine only adds time, so the least disturbed quarter of the rounds says most. */
function lowerQuartile(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 4)] ?? NaN;
}

await runCommand(command, async () => {
  const { objects, poisoned, rounds, consumer, json } = command.opts<Options>();
  const pipeline = await Pipeline.open(consumer);
  try {
    pipeline.fault = ({ operation }) =>
      operation === 'ChangeMessageVisibility' ? { kind: 'come-back', seconds: 2 } : undefined;
    await timeRound(pipeline, 'warm', { objects, poisoned: 1 });
    const [clean, tainted]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < rounds; turn++) {
      // The kinds alternate in going first, so that a drift of the machine affects both.
      const kinds = turn % 2 ? [poisoned, 0] : [0, poisoned];
      for (const poison of kinds)
        (poison ? tainted : clean).push(await timeRound(pipeline, `${turn}-${poison}`, { objects, poisoned: poison }));
    }
    const figures = {
      consumer,
      objects,
      poisoned,
      rounds,
      tries: maxReceives,
      clean: lowerQuartile(clean),
      withPoison: lowerQuartile(tainted),
      ratio: lowerQuartile(tainted) / lowerQuartile(clean),
      deadLetters: await pipeline.runs.deadLetters(),
      seconds: { clean, withPoison: tainted },
    };
    const { ratio } = figures;
    console.log(
      json
        ? JSON.stringify(figures)
        : `${figures.consumer}: ${objects} objects in ${figures.clean.toFixed(2)} s, with ${poisoned} poisoned in ` +
            `${figures.withPoison.toFixed(2)} s: ratio ${ratio.toFixed(3)} (lower quartiles of ${rounds}); ` +
            `${figures.deadLetters} dead letters`,
    );
    return ratio <= maxRatio ? 0 : 1;
  } finally {
    await pipeline.close();
  }
});
