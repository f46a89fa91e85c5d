import { parentPort, workerData } from 'node:worker_threads';
import { Random } from '../../test/support/random.ts';
import type { SessionData, SessionMessage } from './messages.ts';
import { mutate } from './mutate.ts';
import { signatureOf } from './target.ts';
import { targets } from './targets.ts';

/** The thread of a session: makes inputs, runs the target on them, and reports the outcomes. */

const { target: name, seed, milliseconds, beat, corpus } = workerData as SessionData;
const send = (message: SessionMessage): void => parentPort?.postMessage(message);
const open = targets[name];
if (!open) throw new Error(`no target is named ${name}`);
const target = await open();
const random = new Random(seed);
const pool = [...target.seeds, ...corpus.map((input) => Buffer.from(input))];
const signatures = new Set<string>();
const findings = new Set<string>();
const counters = new Int32Array(beat, 0, 2);
const shown = new Uint8Array(beat, 8);
let slowest = 0;

async function read(input: Buffer): Promise<void> {
  shown.set(input.subarray(0, shown.length));
  counters[1] = Math.min(input.length, shown.length);
  const began = performance.now();
  try {
    const signature = await target.run(input);
    if (!signatures.has(signature)) {
      signatures.add(signature);
      pool.push(input);
      send({ type: 'new', input });
    }
  } catch (error) {
    const what = error instanceof Error ? signatureOf(error) : String(error);
    // A finding that repeats is reported once.
    if (findings.size < 20 && !findings.has(what)) {
      findings.add(what);
      const full = error instanceof Error ? (error.stack ?? error.message).slice(0, 1500) : String(error);
      send({ type: 'finding', what: full, input });
    }
  }
  slowest = Math.max(slowest, performance.now() - began);
  counters[0] = (counters[0] ?? 0) + 1;
}

const end = performance.now() + milliseconds;
// Outcomes of kept inputs are known, so they are not kept again.
for (const input of corpus) signatures.add(await Promise.resolve(target.run(Buffer.from(input))).catch(() => ''));
for (const input of target.seeds) await read(input);
while (performance.now() < end) {
  const input = pool[random.below(pool.length)];
  if (input) await read(mutate(input, pool, target.words, random));
}
await target.close?.();
send({ type: 'done', cases: counters[0] ?? 0, signatures: signatures.size, slowest });
