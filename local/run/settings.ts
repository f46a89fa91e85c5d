import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { relative, resolve, sep } from 'node:path';
import { Fault } from '../../shared/model/faults.ts';
import { maxBufferedBodyBytes, maxPartBytes, minPartBytes } from '../../shared/model/limits.ts';
import { workerModes, type WorkerMode } from '../../shared/model/config/settings.ts';
import { formatSize, parseSize } from '../../shared/model/size.ts';

/** Names and keys of the endpoint on one machine. The keys open nothing but a port on loopback. */
export const localNames = {
  stack: 'S3Ferry',
  /**
   * Any region would do. Version 1 of the AWS command line knows old SQS host names for most of them and ignores
   * AWS_ENDPOINT_URL there; for this one it does not.
   */
  region: 'eu-south-2',
  task: 'local',
  sourceBucket: 'source',
  destinationBucket: 'destination',
  credentials: { accessKeyId: 's3ferry', secretAccessKey: 's3ferry-local-secret' },
  /** the other side's credentials, as a user would keep them for another account */
  credentialsParameter: '/s3-ferry/local/destination-credentials',
} as const;

/** The project's folder. */
export const projectDirectory = resolve(import.meta.dirname, '../..');

/** A size option. @throws Fault `InvalidInput` naming the option */
export function sizeOption(name: string, text: string, least: number, most: number = maxPartBytes): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes < least || bytes > most) {
    throw new Fault(
      'InvalidInput',
      `${name}: found "${text}", expected a size from ${formatSize(least)} to ${formatSize(most)}, such as "32MiB"`,
    );
  }
  return bytes;
}

/** `--part-size` and `--large-threshold` as bytes. */
export function sizesOf(options: { partSize: string; largeThreshold: string }): {
  partSize: number;
  threshold: number;
} {
  return {
    partSize: sizeOption('--part-size', options.partSize, minPartBytes, maxBufferedBodyBytes),
    threshold: sizeOption('--large-threshold', options.largeThreshold, 0),
  };
}

/** `--worker-mode`. @throws Fault `InvalidInput` */
export function workerModeOption(text: string): WorkerMode {
  const mode = workerModes.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new Fault('InvalidInput', `--worker-mode: found "${text}", expected ${workerModes.join(', ')}`);
}

/** A port option; 0 takes any that is free. @throws Fault `InvalidInput` */
export function portOption(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65535) {
    throw new Fault('InvalidInput', `--port: found "${text}", expected a number from 0 to 65535`);
  }
  return port;
}

/** Is the port free? Asked before anything is done. @throws Fault `InvalidInput` */
export async function checkPort(port: number): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    const why = error instanceof Error && 'code' in error && error.code === 'EACCES' ? 'not allowed' : 'in use';
    throw new Fault('InvalidInput', `port ${port} of 127.0.0.1 is ${why}; choose another one with --port`, {
      cause: error,
    });
  }
  server.close();
  await once(server, 'close');
}

/** A directory that must be there. @throws Fault `InvalidInput` naming the option */
export function existingDirectory(name: string, path: string): string {
  const absolute = resolve(path);
  const found = statSync(absolute, { throwIfNoEntry: false });
  if (!found?.isDirectory()) {
    throw new Fault(
      'InvalidInput',
      `${name}: found "${path}", which ${found ? 'is no directory' : 'does not exist'}; expected a directory`,
    );
  }
  return absolute;
}

/** A directory that is made where it is missing. @throws Fault `InvalidInput` naming the option */
export function writableDirectory(name: string, path: string): string {
  const absolute = resolve(path);
  try {
    mkdirSync(absolute, { recursive: true });
  } catch (error) {
    throw new Fault(
      'InvalidInput',
      `${name}: "${path}" cannot be made (${error instanceof Error ? error.message : String(error)})`,
    );
  }
  return absolute;
}

/** Is one directory the other, or inside it? */
export function isInside(inner: string, outer: string): boolean {
  const path = relative(outer, inner);
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`) && resolve(outer, path) === inner);
}
