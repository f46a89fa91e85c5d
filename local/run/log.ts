import { createWriteStream } from 'node:fs';
import type { LogChunk } from '../../emulator/aws/index.ts';

/** A file for the logs of the functions, instead of CloudWatch. */
export function openLog(path: string): { write: (chunk: LogChunk) => void; close: () => Promise<void> } {
  const stream = createWriteStream(path, { flags: 'a' });
  return {
    write: (chunk) => void stream.write(chunk.text),
    close: () =>
      new Promise((resolve, reject) => stream.end((error?: Error | null) => (error ? reject(error) : resolve()))),
  };
}
