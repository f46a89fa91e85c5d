import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processes as the operating system reports them (Linux: /proc). */

/** The children of a process, oldest first. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && parentOf(Number(name)) === parent)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The process and all its descendants. */
export function treeOf(root: number): number[] {
  return [root, ...childrenOf(root).flatMap(treeOf)];
}

function parentOf(pid: number): number | undefined {
  try {
    // The name, in parentheses, may hold anything.
    const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(ppid);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

export interface Usage {
  /** bytes of resident memory */
  readonly resident: number;
  /** open files, sockets included */
  readonly files: number;
  readonly sockets: number;
}

/** @returns undefined if the process has ended */
export function usageOf(pid: number): Usage | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const open = readdirSync(`/proc/${pid}/fd`);
    const sockets = open.filter((name) => linkOf(`/proc/${pid}/fd/${name}`).startsWith('socket:'));
    return { resident: Number(kilobytes ?? 0) * 1024, files: open.length, sockets: sockets.length };
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return '';
  }
}
