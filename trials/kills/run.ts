import { setTimeout as sleep } from 'node:timers/promises';
import type { Victim } from './victims.ts';
import type { Objects } from './objects.ts';
import { HostedSite, tasksFor, WholeSite, type Site } from './sites.ts';
import { sweepOldUploads } from '../support/sweep.ts';
import type { Random } from '../support/random.ts';

export interface KillsOptions {
  readonly kind: Victim;
  /** kills */
  readonly count: number;
  /** bytes of the object, and of a part */
  readonly size: number;
  readonly partSize: number;
  readonly random: Random;
  /** told of each kill */
  readonly say: (line: string) => void;
}

/** What the kills of one kind came to. */
export interface KillsResult {
  readonly kind: string;
  readonly kills: number;
  /** objects that arrived whole, with everything in order */
  readonly completed: number;
  readonly maxInFlight: number;
  readonly meanInFlight: number;
  /** bytes, beyond the object's own */
  readonly maxSentAgain: number;
  readonly meanSentAgain: number;
  /** uploads that nobody knew and that the sweeper took away */
  readonly swept: number;
  /** seconds from the kill to the end */
  readonly maxSeconds: number;
  readonly violations: readonly string[];
}

/** What one move came to. */
interface Move {
  /** milliseconds, from the first moment at which the victim was at work */
  readonly duration: number;
  /** undefined where the moment fell before the victim's work or after it */
  readonly kill: { readonly inFlight: number; readonly at: number; readonly seconds: number } | undefined;
  readonly sentAgain: number;
  readonly swept: number;
  readonly violations: readonly string[];
}

/** Milliseconds between two looks at the victim. */
const lookEvery = 5;
/** Milliseconds between two questions to the deployment whether all is done; they take a processor's time, too. */
const askEvery = 100;
/** Milliseconds without a change after which everything that was on the wire has arrived, once the victim is stopped. */
const wire = 50;
/** Milliseconds after which a move counts as one that never ends. */
const patience = 900_000;
/** Draws for one kill before it is told that no moment can be hit. */
const maxDraws = 20;

/** Opens the deployment that a kind of process belongs to. */
export async function openSite(
  site: Victim['site'],
  directory: string,
  objects: Objects,
  partSize: number,
  log: (text: string) => void,
): Promise<Site> {
  const tasks = Object.values(tasksFor(objects.endpoint, partSize));
  if (site === 'whole') return WholeSite.open(directory, tasks);
  return HostedSite.open(directory, tasks, site, log);
}

/** Kills a process of this kind at `count` random moments of as many moves. */
export async function runKills(site: Site, objects: Objects, options: KillsOptions): Promise<KillsResult> {
  const { kind, count, random, say } = options;
  if (site instanceof HostedSite) {
    if (kind.site === 'ec2') site.aimAtWorker(kind.victim === 'primary' ? 'primary' : 'process');
    else site.aimAtFunction(kind.victim);
  }
  let number = 0;
  const move = async (at?: number): Promise<Move> => {
    const key = `${kind.task}/${kind.name.replaceAll(/[^a-z]+/g, '-')}-${++number}`;
    if (site instanceof HostedSite && kind.site === 'ec2') await site.startWorker();
    return moveOnce(site, objects, options, key, at);
  };
  const violations: string[] = [];
  const see = (moved: Move): Move => {
    violations.push(...moved.violations);
    return moved;
  };
  // The first one is slower than the others: everything is loaded for the first time.
  see(await move());
  let { duration } = see(await move());
  const kills: Move[] = [];
  for (let draws = 0; kills.length < count; draws++) {
    if (draws > count * maxDraws) throw new Error(`${kind.name}: of ${draws} moments only ${kills.length} were hit`);
    const moved = see(await move(random.next() * duration));
    if (!moved.kill) {
      // A move that nothing was done to says how long they take now.
      duration = (duration + moved.duration) / 2;
      continue;
    }
    kills.push(moved);
    const { at, inFlight, seconds } = moved.kill;
    say(
      `${kind.name}: kill ${kills.length} of ${count} after ${(at / 1000).toFixed(2)} s of ${(duration / 1000).toFixed(2)}, ` +
        `${inFlight} parts in flight, ${moved.sentAgain} bytes sent again, done ${seconds.toFixed(1)} s later` +
        (moved.violations.length > 0 ? `: ${moved.violations.join('; ')}` : ''),
    );
  }
  const inFlight = kills.map(({ kill }) => kill?.inFlight ?? 0);
  const sentAgain = kills.map((moved) => moved.sentAgain);
  return {
    kind: kind.name,
    kills: kills.length,
    completed: kills.filter((moved) => moved.violations.length === 0).length,
    maxInFlight: Math.max(...inFlight),
    meanInFlight: mean(inFlight),
    maxSentAgain: Math.max(...sentAgain),
    meanSentAgain: mean(sentAgain),
    swept: kills.reduce((sum, { swept }) => sum + swept, 0),
    maxSeconds: Math.max(...kills.map(({ kill }) => kill?.seconds ?? 0)),
    violations,
  };
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** @param at milliseconds after the victim begins to work at which it is killed; without it nothing is done to it */
async function moveOnce(
  site: Site,
  objects: Objects,
  { kind, size, partSize }: KillsOptions,
  key: string,
  at: number | undefined,
): Promise<Move> {
  await objects.make(key);
  const began = performance.now();
  await site.send(kind.task, key);
  let first: number | undefined;
  let last: number | undefined;
  let kill: { inFlight: number; at: number; when: number } | undefined;
  let settled = false;
  let lookedAt = performance.now();
  while (!settled) {
    const now = performance.now();
    if (now - began > patience) throw new Error(`${key} has not come to an end after ${patience / 1000} s`);
    const pid = kill ? undefined : site.victim();
    if (pid !== undefined) {
      first ??= now;
      last = now;
      if (at !== undefined && now >= first + at) {
        kill = { ...(await killAt(pid, objects)), at: now - first, when: now };
        await site.revive(kind.task);
      }
    } else if (first !== undefined && at !== undefined && now >= first + at) {
      // Too late for this victim: the rest of the move is left alone.
      at = undefined;
    }
    if (now - lookedAt > askEvery) {
      settled = await site.isSettled();
      lookedAt = performance.now();
    }
    await sleep(lookEvery);
  }
  const ended = performance.now();
  const { received } = await objects.counts();
  const sentAgain = received - size;
  const violations = await objects.faultsOf(key);
  const entry = await site.ledger.get(kind.task, key);
  // Killed between Complete and its record: the next delivery finds nothing left to do, and records that.
  const expected = kill ? ['DONE', 'SKIPPED'] : ['DONE'];
  if (!expected.includes(entry?.status ?? '')) violations.push(`the ledger says ${entry?.status ?? 'nothing'}`);
  const dead = await site.deadLetters();
  if (dead > 0) violations.push(`${dead} dead letters`);
  const task = tasksFor(objects.endpoint, partSize)[kind.task];
  const { swept, left } = await sweepOldUploads(task, objects.destination, site.ledger);
  if (left > 0) violations.push(`${left} uploads are open, and not the sweeper's`);
  const allowed = (kill?.inFlight ?? 0) * partSize;
  if (sentAgain > allowed) violations.push(`${sentAgain} bytes sent again, ${allowed} were in flight`);
  if (!kill && swept > 0) violations.push(`${swept} uploads left open, though nobody was killed`);
  await objects.remove(key);
  return {
    duration: (last ?? ended) - (first ?? began),
    kill: kill && { inFlight: kill.inFlight, at: kill.at, seconds: (ended - kill.when) / 1000 },
    sentAgain,
    swept,
    violations: violations.map((violation) => `${key}: ${violation}`),
  };
}

/** Stops the process, lets what is on the wire arrive, counts, and kills. A stopped process sends nothing more. */
async function killAt(pid: number, objects: Objects): Promise<{ inFlight: number }> {
  process.kill(pid, 'SIGSTOP');
  let counts = await objects.counts();
  for (;;) {
    await sleep(wire);
    const now = await objects.counts();
    if (now.begun === counts.begun && now.inFlight === counts.inFlight) break;
    counts = now;
  }
  process.kill(pid, 'SIGKILL');
  return counts;
}
