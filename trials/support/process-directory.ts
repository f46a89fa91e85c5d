import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { treeOf } from './processes.ts';

/**
 * A temporary directory of this process. However the process ends (Ctrl-C, a signal, an error), its children are killed
 * and the directory is removed.
 */
export function directoryForThisProcess(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `s3-ferry-${name}-`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  process.once('exit', () => {
    for (const pid of treeOf(process.pid).slice(1)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
