import { Argument, Option } from 'commander';
import { createCommand, exitCodesHelp, runCommand } from '../../operations/command.ts';
import { KiB, MiB } from '../../shared/model/limits.ts';
import { moveBetweenStores, type StoreMoveOptions } from './move-between-stores.ts';
import { storeFaults, type StoreFault } from './store-faults.ts';
import { moveThroughPipeline, type RouteResult } from './move-through-pipeline.ts';
import { Pipeline, pipelineRoutes, type PipelineRoute } from '../support/pipeline.ts';
import { wholeNumber } from '../support/options.ts';
import { Random } from '../../test/support/random.ts';
import type { StoreKinds } from './stores.ts';
import { markdownRow, markdownTable } from '../support/table.ts';
import { pipelineFaults } from './pipeline-faults.ts';

/**
 * `npm run test:faults`: each fault of a store and of the services on each route, and many objects under several faults
 * at once, over real clients and real servers on loopback. No object may be lost or wrong. Prints the tables of
 * docs/results/faults.md. `npm test` runs all faults of the services at once.
 */

interface Options {
  seed: number;
  objects: number;
  fault: string;
}

const shares = ['s3', 'stores', 'services', 'mixed'] as const;
const command = createCommand(
  'npm run test:faults --',
  'Transfers objects while requests fail, and counts what is lost.',
)
  .addArgument(new Argument('[shares...]', 'what to run; everything without it').choices(shares))
  .addOption(
    new Option('--seed <number>', 'decides which requests fail')
      .env('S3_FERRY_SEED')
      .argParser(wholeNumber())
      .default(1),
  )
  .addOption(
    new Option('--objects <number>', 'objects of the share "mixed"')
      .env('S3_FERRY_OBJECTS')
      .argParser(wholeNumber())
      .default(10_000),
  )
  .addOption(
    new Option('--fault <text>', 'of the shares "s3" and "stores", only faults whose name contains this')
      .env('S3_FERRY_FAULT')
      .default(''),
  )
  .addHelpText('after', exitCodesHelp('each object arrived', 'an object is lost, wrong or a dead letter'));

const small = Array.from({ length: 60 }, () => 100 * KiB);
const large = Array.from({ length: 10 }, (_, index) => 12 * MiB + index);
type Route = Pick<StoreMoveOptions, 'way' | 'kinds' | 'sizes' | 'atOnce'> & { readonly name: string };
const routes: readonly Route[] = [
  { name: 'put', way: 'relay', sizes: small, atOnce: 8 },
  { name: 'multipart', way: 'relay', sizes: large, atOnce: 4 },
  { name: 'server-side copy', way: 'inside', sizes: small, atOnce: 8 },
  { name: 'server-side copy of parts', way: 'inside', sizes: large, atOnce: 4 },
  { name: 'delete', way: 'delete', sizes: small.map(() => 100), atOnce: 8 },
];
/** Stores whose answers differ most from those of S3: as the source, as the destination, and as both. */
const otherKinds: readonly StoreKinds[] = (['aliyun-oss', 'minio'] as const).flatMap((other) => [
  { source: other, destination: 'aws' },
  { source: 'aws', destination: other },
  { source: other, destination: other },
]);
/** Share of the requests that fail, of those that the fault can happen to. */
const rate = 0.2;

interface Row extends Omit<RouteResult, 'route' | 'injected'> {
  readonly route: string;
  readonly injected: number;
}

function print(text: string): void {
  process.stdout.write(text);
}

const heads = ['fault', 'route', 'objects', 'injected', 'survived', 'sent again', 'lost', 'wrong', 'duplicates paid'];

function row(name: string, { route, injected, lost, wrong, ...rest }: Row): string {
  const { objects, bytes, bytesSent, duplicates } = rest;
  const again = bytes > 0 ? `${(((bytesSent - bytes) / bytes) * 100).toFixed(1)} %` : '-';
  return markdownRow([name, route, objects, injected, objects - lost - wrong, again, lost, wrong, duplicates]);
}

/** Sizes as in real buckets: most objects are small, most bytes are in a few large ones. */
function mixedSizes(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => {
    if (random.chance(0.002)) return 6 * MiB + random.below(6 * MiB);
    return random.chance(0.1) ? random.below(512 * KiB) : random.below(32 * KiB);
  });
}

function storeFault(name: string): StoreFault {
  const fault = storeFaults.find((one) => one.name === name);
  if (!fault) throw new Error(`no fault is named ${name}`);
  return fault;
}

/** objects that are lost, wrong or dead letters */
let bad = 0;

/** Prints a row, and counts its losses. */
function printRow(name: string, result: Row): void {
  print(row(name, result));
  bad += result.lost + result.wrong;
}

async function runStoreFaults({ seed, fault }: Options): Promise<void> {
  for (const kind of storeFaults.filter(({ name }) => name.includes(fault))) {
    for (const route of routes) await runRoute(kind, route, seed);
  }
}

/** The same between other stores, with a fifth of the objects. Inside a store both sides are at it. */
async function runOtherStores({ seed, fault }: Options): Promise<void> {
  for (const kind of storeFaults.filter(({ name }) => name.includes(fault))) {
    for (const kinds of otherKinds) {
      const inside = kinds.source === kinds.destination;
      for (const route of routes.filter(({ way }) => inside === (way === 'inside'))) {
        const name = `${route.name}, ${kinds.source} to ${kinds.destination}`;
        const sizes = route.sizes.slice(0, Math.ceil(route.sizes.length / 5));
        await runRoute(kind, { ...route, name, sizes, kinds }, seed);
      }
    }
  }
}

async function runRoute(kind: StoreFault, { name, ...route }: Route, seed: number): Promise<void> {
  // Complete is sent once per object: a fifth of a few objects would be next to nothing.
  const once = kind.operations?.join() === 'CompleteMultipartUpload';
  const result = await moveBetweenStores({ ...route, faults: [{ kind, rate: once ? 0.5 : rate }], seed });
  if (result.injected > 0) printRow(kind.name, { ...result, route: name });
}

async function runServiceFaults({ seed }: Options, consumer: 'lambda' | 'ec2'): Promise<void> {
  const count = (route: PipelineRoute): number =>
    route.includes('parts') || route === 'multipart' || route === 'execution' ? 2 : 8;
  const pipeline = await Pipeline.open(consumer);
  try {
    for (const kind of pipelineFaults.filter((one) => one.consumer === consumer)) {
      const all = pipelineRoutes.filter((route) => consumer === 'lambda' || route !== 'execution');
      const some = kind.routes ?? all;
      const result = await moveThroughPipeline(pipeline, { kinds: [kind], routes: some, count, seed, rate: 0.25 });
      const injected = result.injected.get(kind) ?? 0;
      if (injected === 0) throw new Error(`${kind.name}: there was no such request`);
      const named = result.routes.some((one) => one.injected > 0);
      // Requests that name no task (receipts, paths) get one row together.
      if (!named) printRow(kind.name, { ...sum(result.routes), route: 'all', injected });
      else for (const one of result.routes) if (one.injected > 0 || one.lost + one.wrong > 0) printRow(kind.name, one);
      bad += result.buried;
      if (result.buried > 0) print(`\n${kind.name}: ${result.buried} dead letters\n\n`);
    }
  } finally {
    await pipeline.close();
  }
}

function sum(results: readonly RouteResult[]): RouteResult {
  return results.reduce((all, one) => ({
    ...all,
    objects: all.objects + one.objects,
    bytes: all.bytes + one.bytes,
    bytesSent: all.bytesSent + one.bytesSent,
    lost: all.lost + one.lost,
    wrong: all.wrong + one.wrong,
    duplicates: all.duplicates + one.duplicates,
  }));
}

async function runMixed({ seed, objects }: Options): Promise<void> {
  const faults = [
    { kind: storeFault('503 SlowDown'), rate: 0.05 },
    { kind: storeFault('reset before the body'), rate: 0.01 },
    { kind: storeFault('truncated body'), rate: 0.005 },
  ];
  const sizes = mixedSizes(new Random(seed), objects);
  const result = await moveBetweenStores({ way: 'relay', sizes, atOnce: 16, faults, seed });
  printRow('5 % 503, 1 % reset, 0.5 % truncated', { ...result, route: 'both' });
  print(`\n${result.bytes} bytes of objects, ${result.bytesSent} sent, in ${result.seconds.toFixed(1)} s\n`);
}

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const isChosen = (share: (typeof shares)[number]): boolean =>
    command.args.length === 0 || command.args.includes(share);
  print(markdownTable(heads, []));
  if (isChosen('s3')) await runStoreFaults(options);
  if (isChosen('stores')) await runOtherStores(options);
  if (isChosen('services')) {
    await runServiceFaults(options, 'lambda');
    await runServiceFaults(options, 'ec2');
  }
  if (isChosen('mixed') && options.objects > 0) await runMixed(options);
  return bad > 0 ? 1 : 0;
});
