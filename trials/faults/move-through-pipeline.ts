import type { ServiceRequest } from '../../emulator/aws/index.ts';
import type { FaultHook } from '../../emulator/s3/index.ts';
import { sleep } from '../../local/run/runs.ts';
import { localNames } from '../../local/run/settings.ts';
import { Pattern } from './pattern.ts';
import { taskNameOf, type Pipeline, type PipelineRoute, type Wanted } from '../support/pipeline.ts';
import type { PipelineFault } from './pipeline-faults.ts';
import { Writes } from './writes.ts';

export interface PipelineMoveOptions {
  /** the faults, all at the same time */
  readonly kinds: readonly PipelineFault[];
  readonly routes: readonly PipelineRoute[];
  /** objects of a route; fewer if they are large */
  readonly count: (route: PipelineRoute) => number;
  readonly seed: number;
  /** share of the requests that fail, besides the first of each kind */
  readonly rate: number;
}

/** What became of the objects of one route. */
export interface RouteResult {
  readonly route: PipelineRoute;
  readonly objects: number;
  /** bytes of the objects */
  readonly bytes: number;
  /** requests with a fault that name this route's task; those that name none are in `unnamed` */
  readonly injected: number;
  readonly lost: number;
  readonly wrong: number;
  /** bytes of bodies that reached the destination */
  readonly bytesSent: number;
  /** objects, parts and deletes that were repeated after they had succeeded, and executions beyond one per object */
  readonly duplicates: number;
}

export interface PipelineResult {
  readonly routes: readonly RouteResult[];
  readonly injected: ReadonlyMap<PipelineFault, number>;
  /** requests with a fault that name no task (a receipt, a path of parameters) */
  readonly unnamed: number;
  readonly buried: number;
  /** runs that failed and were restarted, as the schedule would do */
  readonly reruns: number;
}

let groups = 0;
/** An object that has not arrived by then counts as lost. */
const maxWaitMillis = 60_000;
/** Runs of one task in a row that may fail. */
const maxReruns = 3;

/** Moves objects of several routes through the whole deployed pipeline while services fail. */
export async function moveThroughPipeline(pipeline: Pipeline, options: PipelineMoveOptions): Promise<PipelineResult> {
  const { kinds, routes, count, seed, rate } = options;
  const group = `group-${++groups}`;
  const wanted = new Map<PipelineRoute, Wanted>();
  const byRun = routes.filter((route) => route !== 'events');
  for (const route of byRun) wanted.set(route, await pipeline.prepare(route, group, count(route)));
  const uploadsBefore = await uploadsOf(pipeline);
  const buriedBefore = await pipeline.runs.deadLetters();
  pipeline.requests = [];

  const injected = new Map<PipelineFault, number>(kinds.map((kind) => [kind, 0]));
  const named = new Map<PipelineRoute, number>();
  let unnamed = 0;
  const patterns = new Map(kinds.map((kind) => [kind, new Pattern(seed, kind.rate ?? rate, { first: true })]));
  pipeline.fault = (request) => {
    for (const kind of kinds) {
      if (!kind.meant(request)) continue;
      const random = patterns.get(kind)?.next(`${kind.name} ${request.operation} ${request.resource}`);
      if (!random) continue;
      injected.set(kind, (injected.get(kind) ?? 0) + 1);
      const about = routesIn(request, routes);
      for (const route of about) named.set(route, (named.get(route) ?? 0) + 1);
      if (about.length === 0) unnamed++;
      return kind.fault(random);
    }
    return undefined;
  };
  if (kinds.some(({ needs }) => needs === 'failing jobs')) pipeline.s3Fault = firstReadFails();

  let reruns = 0;
  const sync = async (route: PipelineRoute): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await pipeline.runs.sync(taskNameOf(route), `${taskNameOf(route)}/${group}/`);
        return;
      } catch (error) {
        // The objects that it did not find count as lost. On a loaded machine this is no reason to end the trial.
        if (attempt > maxReruns) {
          process.stderr.write(`a run of ${taskNameOf(route)} failed ${attempt} times: ${String(error)}\n`);
          return;
        }
        reruns++;
      }
    }
  };
  const twice = kinds.some(({ needs }) => needs === 'two runs');
  await Promise.all([
    ...byRun.flatMap((route) => (twice ? [sync(route), sync(route)] : [sync(route)])),
    ...(routes.includes('events')
      ? [pipeline.prepare('events', group, count('events')).then((found) => wanted.set('events', found))]
      : []),
  ]);
  await arrive(pipeline, [...wanted.values()]);
  pipeline.fault = () => undefined;
  pipeline.s3Fault = () => undefined;
  await pipeline.runs.waitUntilIdle();

  const started = (await uploadsOf(pipeline)) - uploadsBefore;
  const results = await Promise.all(
    routes.map(async (route): Promise<RouteResult> => {
      const objects = wanted.get(route) ?? new Map<string, string | undefined>();
      const { bytes, bytesSent, duplicates } = writesOf(pipeline, route, group);
      const again = route === 'execution' ? Math.max(0, started - objects.size) : 0;
      return {
        route,
        objects: objects.size,
        injected: named.get(route) ?? 0,
        ...(await pipeline.check(objects)),
        bytesSent,
        // Objects of events change meanwhile, so they have to be written more than once.
        bytes: route === 'events' ? 0 : bytes,
        duplicates: route === 'events' ? 0 : duplicates + again,
      };
    }),
  );
  const buried = (await pipeline.runs.deadLetters()) - buriedBefore;
  return { routes: results, injected, unnamed, buried, reruns };
}

/** Waits until every object has arrived and the pipeline has settled, or until what is missing counts as lost. */
async function arrive(pipeline: Pipeline, wanted: readonly Wanted[]): Promise<void> {
  const until = Date.now() + maxWaitMillis;
  for (;;) {
    await pipeline.runs.waitUntilIdle();
    const found = await Promise.all(wanted.map((objects) => pipeline.check(objects)));
    if (found.every(({ lost, wrong }) => lost + wrong === 0) || Date.now() > until) return;
    await sleep(200);
  }
}

async function uploadsOf({ runs }: Pipeline): Promise<number> {
  const counts = await Promise.all((['RUNNING', 'SUCCEEDED', 'FAILED'] as const).map((one) => runs.uploads(one)));
  return counts.reduce((sum, one) => sum + one, 0);
}

/** The routes whose task the request names. */
function routesIn({ input }: ServiceRequest, routes: readonly PipelineRoute[]): PipelineRoute[] {
  const text = JSON.stringify(input);
  return routes.filter((route) => text.includes(taskNameOf(route)));
}

function firstReadFails(): FaultHook {
  const seen = new Set<string>();
  return ({ operation, bucket, key }) => {
    if (operation !== 'GetObject' || bucket !== localNames.sourceBucket || seen.has(key)) return undefined;
    seen.add(key);
    return { kind: 'status', status: 403, code: 'AccessDenied' };
  };
}

/** The writes at the destination for the objects of a route. */
function writesOf({ requests }: Pipeline, route: PipelineRoute, group: string): Writes {
  const writes = new Writes();
  for (const request of requests) {
    const { bucket, key } = request;
    if (bucket === localNames.destinationBucket && key.startsWith(`${taskNameOf(route)}/${group}/`))
      writes.see(request);
  }
  return writes;
}
