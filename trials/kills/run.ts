import { setTimeout as sleep } from 'node:timers/promises';
import type { Victim } from './victims.ts';
import type { Objects } from './objects.ts';
import { HostedSite, tasksFor, WholeSite, type Site, type TaskName } from './sites.ts';
import { sweepOldUploads } from '../support/sweep.ts';
import type { Random } from '../../test/support/random.ts';

export interface KillsOptions {
  readonly victim: Victim;
  /** kills */
  readonly count: number;
  readonly random: Random;
  /** receives a line for each kill */
  readonly say: (line: string) => void;
}

/** What the kills of one process came to. */
export interface KillsResult {
  /** the name of the process */
  readonly victim: string;
  readonly kills: number;
  /** objects that arrived whole, with everything in order */
  readonly completed: number;
  readonly maxInFlight: number;
  readonly meanInFlight: number;
  /** bytes, beyond the object's own */
  readonly maxSentAgain: number;
  readonly meanSentAgain: number;
  /** uploads that no process knew and that the sweeper aborted */
  readonly swept: number;
  /** seconds from the kill to the end */
  readonly maxSeconds: number;
  readonly violations: readonly string[];
}

/** What the transfer of one object came to. */
interface Move {
  /** from the first moment at which the victim was at work */
  readonly durationMillis: number;
  /** undefined if the moment fell before the victim's work or after it */
  readonly kill: { readonly inFlight: number; readonly at: number; readonly seconds: number } | undefined;
  readonly sentAgain: number;
  readonly swept: number;
  readonly violations: readonly string[];
}

/** Between two looks at the victim. */
const lookEveryMillis = 5;
/** Between two questions whether the deployment has settled; each takes processor time. */
const askEveryMillis = 100;
/** Without a change for so long, everything that a stopped victim had sent has arrived. */
const arrivalMillis = 50;
/** A transfer that takes longer is considered stuck. */
const maxMoveMillis = 900_000;
/** Draws for one kill before giving up: no moment can be hit. */
const maxDraws = 20;

/** Opens the deployment that a victim belongs to. */
export async function openSite(
  site: Victim['site'],
  { directory, objects, log }: { directory: string; objects: Objects; log: (text: string) => void },
): Promise<Site> {
  const tasks = Object.values(tasksFor(objects.endpoint, objects.partSize));
  if (site === 'whole') return WholeSite.open(directory, tasks);
  return HostedSite.open(directory, tasks, site, log);
}

/** Kills the victim at `count` random moments, each in a transfer of its own. */
export async function runKills(site: Site, objects: Objects, options: KillsOptions): Promise<KillsResult> {
  const { victim, count, random, say } = options;
  if (site instanceof HostedSite) {
    if (victim.site === 'ec2') site.aimAtWorker(victim.process === 'primary' ? 'primary' : 'process');
    else site.aimAtFunction(victim.process);
  }
  let number = 0;
  const move = async (killAfterMillis?: number): Promise<Move> => {
    const key = `${victim.task}/${victim.name.replaceAll(/[^a-z]+/g, '-')}-${++number}`;
    if (site instanceof HostedSite && victim.site === 'ec2') await site.startWorker();
    return moveOnce(site, objects, { task: victim.task, key, killAfterMillis });
  };
  const violations: string[] = [];
  const see = (moved: Move): Move => {
    violations.push(...moved.violations);
    return moved;
  };
  // The first transfer is slower than the others: everything is loaded for the first time.
  see(await move());
  let { durationMillis } = see(await move());
  const kills: Move[] = [];
  for (let draws = 0; kills.length < count; draws++) {
    if (draws > count * maxDraws) throw new Error(`${victim.name}: of ${draws} moments only ${kills.length} were hit`);
    const moved = see(await move(random.next() * durationMillis));
    if (!moved.kill) {
      // A transfer without a kill shows how long they take now.
      durationMillis = (durationMillis + moved.durationMillis) / 2;
      continue;
    }
    kills.push(moved);
    const { at, inFlight, seconds } = moved.kill;
    const moment = `${(at / 1000).toFixed(2)} s of ${(durationMillis / 1000).toFixed(2)}`;
    say(
      `${victim.name}: kill ${kills.length} of ${count} after ${moment}, ` +
        `${inFlight} parts in flight, ${moved.sentAgain} bytes sent again, done ${seconds.toFixed(1)} s later` +
        (moved.violations.length > 0 ? `: ${moved.violations.join('; ')}` : ''),
    );
  }
  const inFlight = kills.map(({ kill }) => kill?.inFlight ?? 0);
  const sentAgain = kills.map((moved) => moved.sentAgain);
  return {
    victim: victim.name,
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

interface MoveOptions {
  readonly task: TaskName;
  readonly key: string;
  /** when the victim is killed, from the moment at which it begins to work; undefined: it is not killed */
  readonly killAfterMillis: number | undefined;
}

/** Transfers one object to its end, and judges the result. */
async function moveOnce(site: Site, objects: Objects, { task, key, killAfterMillis }: MoveOptions): Promise<Move> {
  const { size, partSize } = objects;
  await objects.make(key);
  const began = performance.now();
  await site.send(task, key);
  let first: number | undefined;
  let last: number | undefined;
  let kill: { inFlight: number; at: number; when: number } | undefined;
  let killAt = killAfterMillis;
  let settled = false;
  let lookedAt = performance.now();
  while (!settled) {
    const now = performance.now();
    if (now - began > maxMoveMillis) throw new Error(`${key} has not ended after ${maxMoveMillis / 1000} s`);
    const pid = kill ? undefined : site.victim();
    if (pid !== undefined) {
      first ??= now;
      last = now;
      if (killAt !== undefined && now >= first + killAt) {
        kill = { ...(await stopAndKill(pid, objects)), at: now - first, when: now };
        await site.revive(task);
      }
    } else if (first !== undefined && killAt !== undefined && now >= first + killAt) {
      // Too late for this victim: the transfer ends without a kill.
      killAt = undefined;
    }
    if (now - lookedAt > askEveryMillis) {
      settled = await site.isSettled();
      lookedAt = performance.now();
    }
    await sleep(lookEveryMillis);
  }
  const ended = performance.now();
  const { received } = await objects.counts();
  const sentAgain = received - size;
  const violations = await objects.faultsOf(key);
  const entry = await site.ledger.get(task, key);
  // If it was killed between Complete and its record, the next delivery finds nothing to do, and records that.
  const expected = kill ? ['DONE', 'SKIPPED'] : ['DONE'];
  if (!expected.includes(entry?.status ?? '')) violations.push(`the ledger says ${entry?.status ?? 'nothing'}`);
  const dead = await site.deadLetters();
  if (dead > 0) violations.push(`${dead} dead letters`);
  const settings = tasksFor(objects.endpoint, partSize)[task];
  const { swept, left } = await sweepOldUploads(settings, objects.destination, site.ledger);
  if (left > 0) violations.push(`${left} uploads are open that the sweeper does not abort`);
  const allowed = (kill?.inFlight ?? 0) * partSize;
  if (sentAgain > allowed) violations.push(`${sentAgain} bytes sent again, ${allowed} were in flight`);
  if (!kill && swept > 0) violations.push(`${swept} uploads left open, although no process was killed`);
  await objects.remove(key);
  return {
    durationMillis: (last ?? ended) - (first ?? began),
    kill: kill && { inFlight: kill.inFlight, at: kill.at, seconds: (ended - kill.when) / 1000 },
    sentAgain,
    swept,
    violations: violations.map((violation) => `${key}: ${violation}`),
  };
}

/** Stops the process, waits until what it sent has arrived, counts the parts in flight, and kills it. */
async function stopAndKill(pid: number, objects: Objects): Promise<{ inFlight: number }> {
  process.kill(pid, 'SIGSTOP');
  let counts = await objects.counts();
  for (;;) {
    await sleep(arrivalMillis);
    const now = await objects.counts();
    if (now.begun === counts.begun && now.inFlight === counts.inFlight) break;
    counts = now;
  }
  process.kill(pid, 'SIGKILL');
  return counts;
}
