import { Command } from 'commander';
import { Pipeline, taskNameOf } from '../trials/support/pipeline.ts';
import { localNames } from '../local/run/settings.ts';
import { maxReceives } from '../shared/model/limits.ts';

/**
 * `node bench/poison.ts`: does an object that cannot be read slow the others? Moves the same number of objects with and
 * without poisoned ones among them, in turn, through the whole pipeline on this machine, and compares how long the healthy
 * ones take. Exit codes: 0 the ratio of the lower quartiles is at most 1.10, 1 it is more.
 */

interface Options {
  objects: string;
  poisoned: string;
  rounds: string;
  consumer: string;
  json?: true;
}

const command = new Command('node bench/poison.ts')
  .option('--objects <number>', 'healthy objects a round', '200')
  .option('--poisoned <number>', 'poisoned objects among them', '1')
  .option('--rounds <number>', 'rounds of each kind', '12')
  .option('--consumer <lambda|ec2>', 'who takes the jobs', 'lambda')
  .option('--json', 'write the figures as JSON')
  .allowExcessArguments(false)
  .showHelpAfterError('(--help shows the options)')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const options = command.opts<Options>();
const [objects, poisoned, rounds] = [options.objects, options.poisoned, options.rounds].map((text) => {
  const number = Number(text);
  if (/^[1-9][0-9]{0,5}$/.test(text)) return number;
  console.error(`found "${text}", expected a whole number from 1`);
  process.exit(2);
}) as [number, number, number];
if (options.consumer !== 'lambda' && options.consumer !== 'ec2') {
  console.error(`--consumer: found "${options.consumer}", expected lambda or ec2`);
  process.exit(2);
}

/** One run. @returns seconds from the start of the run to the arrival of the last healthy object */
async function round(pipeline: Pipeline, group: string, poison: number): Promise<number> {
  const task = taskNameOf('put');
  const wanted = await pipeline.prepare('put', group, objects + poison);
  const keys = [...wanted.keys()];
  // Spread among the others, so that batches have some of both.
  const bad = new Set(Array.from({ length: poison }, (_, index) => keys[Math.floor((keys.length / poison) * index)]));
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

/** What else runs on a machine only ever adds time: the quarter of the rounds that it disturbed least says most. */
function lowerQuartile(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 4)] ?? NaN;
}

const pipeline = await Pipeline.open(options.consumer);
try {
  pipeline.fault = ({ operation }) =>
    operation === 'ChangeMessageVisibility' ? { kind: 'come-back', seconds: 2 } : undefined;
  await round(pipeline, 'warm', 1);
  const [clean, tainted]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < rounds; turn++) {
    // Each kind goes first in turn: what drifts drifts for both.
    const kinds = turn % 2 ? [poisoned, 0] : [0, poisoned];
    for (const poison of kinds) (poison ? tainted : clean).push(await round(pipeline, `${turn}-${poison}`, poison));
  }
  const figures = {
    consumer: options.consumer,
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
    options.json
      ? JSON.stringify(figures)
      : `${figures.consumer}: ${objects} objects in ${figures.clean.toFixed(2)} s, with ${poisoned} poisoned in ` +
          `${figures.withPoison.toFixed(2)} s: ratio ${ratio.toFixed(3)} (lower quartiles of ${rounds}); ` +
          `${figures.deadLetters} dead letters`,
  );
  process.exitCode = ratio <= 1.1 ? 0 : 1;
} finally {
  await pipeline.close();
}
