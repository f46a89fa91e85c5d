import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { relative, resolve, sep } from 'node:path';
import { Fault } from '../../shared/model/faults.ts';
import { maxBufferedBodyBytes, maxPartBytes, minPartBytes } from '../../shared/model/limits.ts';
import { workerModes, type WorkerMode } from '../../shared/model/config/settings.ts';
import { formatSize, parseSize } from '../../shared/model/size.ts';

/** Names and keys of the local endpoint. The keys only open a port on loopback. */
export const localNames = {
  stack: 'S3Ferry',
  /**
   * Version 1 of the AWS command line ignores AWS_ENDPOINT_URL in most regions, because it has old SQS host names for
   * them. It has none for this region.
   */
  region: 'eu-south-2',
  task: 'local',
  sourceBucket: 'source',
  destinationBucket: 'destination',
  /** of the account's administrator, for the commands and the users of the endpoint */
  credentials: { accessKeyId: 's3ferry', secretAccessKey: 's3ferry-local-secret' },
  /** the user of the destination, as another account would have it */
  otherAccount: {
    user: 's3-ferry-writer',
    credentials: { accessKeyId: 's3ferry-writer', secretAccessKey: 's3ferry-writer-local-secret' },
  },
  /** the parameter with the keys of that user */
  credentialsParameter: '/s3-ferry/local/destination-credentials',
} as const;

/** The root directory of the project. */
export const projectDirectory = resolve(import.meta.dirname, '../..');

/** Parses a size option. @returns bytes. @throws Fault `InvalidInput` that names the option */
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

/** Parses `--part-size` and `--large-threshold`. @returns bytes. @throws Fault `InvalidInput` */
export function sizesOf(options: { partSize: string; largeThreshold: string }): {
  partSize: number;
  threshold: number;
} {
  return {
    partSize: sizeOption('--part-size', options.partSize, minPartBytes, maxBufferedBodyBytes),
    threshold: sizeOption('--large-threshold', options.largeThreshold, 0),
  };
}

/** Parses `--worker-mode`. @throws Fault `InvalidInput` */
export function workerModeOption(text: string): WorkerMode {
  const mode = workerModes.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new Fault('InvalidInput', `--worker-mode: found "${text}", expected ${workerModes.join(', ')}`);
}

/** Parses `--port`; 0 means any free port. @throws Fault `InvalidInput` */
export function portOption(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65535) {
    throw new Fault('InvalidInput', `--port: found "${text}", expected a number from 0 to 65535`);
  }
  return port;
}

/** Checks that the port is free. @throws Fault `InvalidInput` if it is not */
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

/** Checks that a directory exists. @returns its absolute path. @throws Fault `InvalidInput` that names the option */
export function existingDirectory(name: string, path: string): string {
  const absolute = resolve(path);
  const found = statSync(absolute, { throwIfNoEntry: false });
  if (!found?.isDirectory()) {
    throw new Fault(
      'InvalidInput',
      `${name}: found "${path}", which ${found ? 'is not a directory' : 'does not exist'}; expected a directory`,
    );
  }
  return absolute;
}

/**
 * Creates a directory if it is missing. @returns its absolute path. @throws Fault `InvalidInput` that names the option
 */
export function writableDirectory(name: string, path: string): string {
  const absolute = resolve(path);
  try {
    mkdirSync(absolute, { recursive: true });
  } catch (error) {
    throw new Fault(
      'InvalidInput',
      `${name}: "${path}" cannot be created (${error instanceof Error ? error.message : String(error)})`,
    );
  }
  return absolute;
}

/** Is `inner` the directory `outer`, or inside it? */
export function isInside(inner: string, outer: string): boolean {
  const path = relative(outer, inner);
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`) && resolve(outer, path) === inner);
}
