import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What one run of a command took, with all of its processes. */
export interface Measured {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** of its largest process */
  readonly peakMiB: number;
}

export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command under GNU time. @param directory for its report. @throws Error with what the command said */
export async function measure({ command, args, environment }: Invocation, directory: string): Promise<Measured> {
  const report = join(directory, 'time');
  const child = spawn('time', ['-q', '-f', '%e %U %S %M', '-o', report, command, ...args], {
    // Proxies, authorities and credentials of this machine are none of a benchmark's business.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (text: Buffer): void => void (said = (said + text.toString()).slice(-2000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`);
  const [wall = 0, user = 0, system = 0, peakKiB = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  return { wallSeconds: wall, cpuSeconds: user + system, peakMiB: peakKiB / 1024 };
}

/** Starts a server that says its port in the first line of its output. */
export async function startServer(file: string, args: readonly string[]): Promise<{ port: number; stop: () => void }> {
  const child: ChildProcess = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('the server has no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { port: Number(line), stop: () => void child.kill() };
}

/** The middle of some numbers, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}
