import { renameSync, writeFileSync } from 'node:fs';

/** What a process reports over IPC every {@link reportIntervalMillis}. */
export interface ProcessHealth {
  readonly pid: number;
  readonly state: 'working' | 'draining';
  /** messages that are being processed */
  readonly jobs: number;
  /** when each queue had last answered, milliseconds since the epoch */
  readonly receivedAt: number | null;
}

/** The content of the health file: the primary process and all others. */
export interface WorkerHealth {
  readonly pid: number;
  readonly state: 'working' | 'draining' | 'drained';
  /** milliseconds since the epoch */
  readonly at: number;
  readonly processes: readonly (ProcessHealth & { readonly reportedAt: number })[];
}

/** How often a process reports its health. */
export const reportIntervalMillis = 2_000;
/** A process that is silent for longer hangs: its code blocks the event loop. */
export const maxSilenceMillis = 60_000;

/** Is the IPC message a health report? IPC can carry any value. */
export function isProcessHealth(message: unknown): message is ProcessHealth {
  return typeof message === 'object' && message !== null && 'pid' in message && 'jobs' in message && 'state' in message;
}

/**
 * @param lastHeard milliseconds since the epoch, by process id
 * @returns ids of the processes that have been silent for too long
 */
export function silentProcesses(lastHeard: ReadonlyMap<number, number>, now: number): number[] {
  return [...lastHeard].filter(([, at]) => now - at > maxSilenceMillis).map(([pid]) => pid);
}

/** Replaces the file atomically, so that no reader sees half of it. @throws if the file cannot be written */
export function writeHealth(file: string, health: WorkerHealth): void {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(health)}\n`);
  renameSync(fresh, file);
}
