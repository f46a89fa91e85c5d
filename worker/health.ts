import { renameSync, writeFileSync } from 'node:fs';

/** What a process tells of itself, over IPC, every {@link reportIntervalMillis}. */
export interface ProcessHealth {
  readonly pid: number;
  readonly state: 'working' | 'draining';
  /** messages in hand */
  readonly jobs: number;
  /** when the queue last answered, milliseconds since the epoch */
  readonly receivedAt: number | null;
}

/** What the primary process tells of all. */
export interface WorkerHealth {
  readonly pid: number;
  readonly state: 'working' | 'draining' | 'drained';
  /** milliseconds since the epoch */
  readonly at: number;
  readonly processes: readonly (ProcessHealth & { readonly reportedAt: number })[];
}

/** Milliseconds. */
export const reportIntervalMillis = 2_000;
/** Milliseconds of silence after which a process is taken for one that hangs: its code blocks, or waits for nothing. */
export const maxSilenceMillis = 60_000;

/** Is it what a process tells? Anything may come over IPC. */
export function isProcessHealth(message: unknown): message is ProcessHealth {
  return typeof message === 'object' && message !== null && 'pid' in message && 'jobs' in message && 'state' in message;
}

/** Processes that have been silent for too long. */
export function silentProcesses(lastHeard: ReadonlyMap<number, number>, now: number): number[] {
  return [...lastHeard].filter(([, at]) => now - at > maxSilenceMillis).map(([pid]) => pid);
}

/** Replaces the file as a whole, so that nobody reads half of it. @throws where the file cannot be written */
export function writeHealth(file: string, health: WorkerHealth): void {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(health)}\n`);
  renameSync(fresh, file);
}
