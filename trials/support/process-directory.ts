import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { treeOf } from './processes.ts';

/**
 * A directory for as long as this process lives. However it ends (Ctrl-C, a signal, an error), the directory goes, and
 * every process that was started goes first.
 */
export function directoryForThisProcess(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `s3-ferry-${name}-`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  process.once('exit', () => {
    for (const pid of treeOf(process.pid).slice(1)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
