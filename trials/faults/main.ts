import { KiB, MiB } from '../../shared/model/limits.ts';
import { moveBetweenStores, type StoreMoveOptions } from './move-between-stores.ts';
import { storeFaults } from './store-faults.ts';
import { moveThroughPipeline, type RouteResult } from './move-through-pipeline.ts';
import { Pipeline, pipelineRoutes, type PipelineRoute } from '../support/pipeline.ts';
import { Random } from '../support/random.ts';
import { pipelineFaults } from './pipeline-faults.ts';

/**
 * `npm run test:faults [s3] [services] [mixed]`: each fault on each route, and 10,000 objects under several of them at
 * once, over real clients and real servers on loopback. Prints the tables of docs/results/faults.md; exits with 1 where an
 * object is lost or wrong.
 */

const seed = Number(process.env['S3_FERRY_SEED'] ?? 1);
const objects = Number(process.env['S3_FERRY_OBJECTS'] ?? 10_000);
const wanted = process.argv.slice(2);

const small = Array.from({ length: 60 }, () => 100 * KiB);
const large = Array.from({ length: 10 }, (_, index) => 12 * MiB + index);
type Route = Pick<StoreMoveOptions, 'way' | 'sizes' | 'atOnce'> & { readonly name: string };
const routes: readonly Route[] = [
  { name: 'put', way: 'relay', sizes: small, atOnce: 8 },
  { name: 'multipart', way: 'relay', sizes: large, atOnce: 4 },
  { name: 'server-side copy', way: 'inside', sizes: small, atOnce: 8 },
  { name: 'server-side copy of parts', way: 'inside', sizes: large, atOnce: 4 },
  { name: 'delete', way: 'delete', sizes: small.map(() => 100), atOnce: 8 },
];
/** Of the requests that a fault can happen to. */
const rate = 0.2;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One row. `injected` may be words, where it cannot be told apart by route. */
function row(
  name: string,
  result: Omit<RouteResult, 'route' | 'injected'> & { route: string; injected: number | string },
): string {
  const { route, injected, lost, wrong, bytes, bytesSent, duplicates } = result;
  const again = bytes > 0 ? `${(((bytesSent - bytes) / bytes) * 100).toFixed(1)} %` : '-';
  const cells = [name, route, result.objects, injected, result.objects - lost - wrong, again, lost, wrong, duplicates];
  return `| ${cells.join(' | ')} |`;
}

/** Sizes as buckets have them: most are small, most bytes are in few. */
function mixedSizes(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => {
    if (random.chance(0.002)) return 6 * MiB + random.below(6 * MiB);
    return random.chance(0.1) ? random.below(512 * KiB) : random.below(32 * KiB);
  });
}

function kindOf(name: string): (typeof storeFaults)[number] {
  const kind = storeFaults.find((one) => one.name === name);
  if (!kind) throw new Error(`no fault is named ${name}`);
  return kind;
}

let bad = 0;

/** A row that counts. */
function tell(name: string, result: Parameters<typeof row>[1]): void {
  print(row(name, result));
  bad += result.lost + result.wrong;
}

async function faultsOfStores(): Promise<void> {
  for (const kind of storeFaults.filter(({ name }) => name.includes(process.env['S3_FERRY_FAULT'] ?? ''))) {
    for (const { name, ...route } of routes) {
      // Of what happens once an object, a fifth would be next to nothing.
      const once = kind.operations?.join() === 'CompleteMultipartUpload';
      const result = await moveBetweenStores({ ...route, faults: [{ kind, rate: once ? 0.5 : rate }], seed });
      if (result.injected > 0) tell(kind.name, { ...result, route: name });
    }
  }
}

async function faultsOfServices(consumer: 'lambda' | 'ec2'): Promise<void> {
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
      // Requests that name no task (receipts, paths) are told in one row.
      if (!named) tell(kind.name, { ...sum(result.routes), route: 'all', injected });
      else for (const one of result.routes) if (one.injected > 0 || one.lost + one.wrong > 0) tell(kind.name, one);
      bad += result.buried;
      if (result.buried > 0) print(`\n${kind.name}: ${result.buried} dead letters\n`);
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

async function severalAtOnce(): Promise<void> {
  const faults = [
    { kind: kindOf('503 SlowDown'), rate: 0.05 },
    { kind: kindOf('reset before the body'), rate: 0.01 },
    { kind: kindOf('truncated body'), rate: 0.005 },
  ];
  const sizes = mixedSizes(new Random(seed), objects);
  const result = await moveBetweenStores({ way: 'relay', sizes, atOnce: 16, faults, seed });
  tell('5 % 503, 1 % reset, 0.5 % truncated', { ...result, route: 'both' });
  print(`\n${result.bytes} bytes of objects, ${result.bytesSent} sent, in ${result.seconds.toFixed(1)} s`);
}

const heads = ['fault', 'route', 'objects', 'injected', 'survived', 'sent again', 'lost', 'wrong', 'duplicates paid'];
print(`| ${heads.join(' | ')} |`);
print(`|${heads.map(() => ' --- ').join('|')}|`);
const asked = (part: string): boolean => wanted.length === 0 || wanted.includes(part);
if (asked('s3')) await faultsOfStores();
if (asked('services')) {
  await faultsOfServices('lambda');
  await faultsOfServices('ec2');
}
if (asked('mixed') && objects > 0) await severalAtOnce();
process.exitCode = bad > 0 ? 1 : 0;
