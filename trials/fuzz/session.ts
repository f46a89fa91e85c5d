import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { corpusOf, keep } from './corpus.ts';
import { inputBytes, type SessionData, type SessionMessage } from './messages.ts';

export interface SessionReport {
  readonly cases: number;
  /** different outcomes of the target */
  readonly signatures: number;
  /** inputs that were added to the corpus */
  readonly kept: number;
  /** milliseconds of one case */
  readonly slowest: number;
  readonly findings: readonly { readonly what: string; readonly input: Buffer }[];
}

/** A case that takes longer counts as one that never ends. */
const maxCaseMillis = 20_000;
/** Memory of the thread, which no input may fill. */
const heapMiB = 192;

/** Fuzzes one target in its own thread, which may hang or run out of memory. */
export async function fuzzTarget(
  name: string,
  { seed, milliseconds }: { readonly seed: number; readonly milliseconds: number },
): Promise<SessionReport> {
  const beat = new SharedArrayBuffer(8 + inputBytes);
  const data: SessionData = { target: name, seed, milliseconds, beat, corpus: corpusOf(name) };
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
  const report = { cases: 0, signatures: 0, kept: 0, slowest: 0, findings: [] as { what: string; input: Buffer }[] };
  const current = (): Buffer => {
    const [, length = 0] = new Int32Array(beat, 0, 2);
    return Buffer.from(new Uint8Array(beat, 8, length));
  };
  const found = (what: string, input: Buffer): void => {
    report.findings.push({ what, input });
    keep(name, input);
  };
  worker.on('message', (message: SessionMessage) => {
    if (message.type === 'new') report.kept += keep(name, Buffer.from(message.input)) ? 1 : 0;
    else if (message.type === 'finding') found(message.what, Buffer.from(message.input));
    else Object.assign(report, { cases: message.cases, signatures: message.signatures, slowest: message.slowest });
  });
  // Out of memory, an uncaught error, or an unhandled rejection.
  worker.on('error', (error) => found(`the thread ended: ${String(error)}`, current()));
  let last = { cases: -1, at: performance.now() };
  const watch = setInterval(() => {
    const [cases = 0] = new Int32Array(beat, 0, 1);
    if (cases !== last.cases) last = { cases, at: performance.now() };
    else if (performance.now() - last.at > maxCaseMillis) {
      found(`a case that took more than ${maxCaseMillis / 1000} s`, current());
      void worker.terminate();
    }
  }, 1000);
  await once(worker, 'exit').catch(() => undefined);
  clearInterval(watch);
  return report;
}
