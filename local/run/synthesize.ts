import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../shared/model/faults.ts';
import { projectDirectory } from './settings.ts';

/**
 * Bundles the functions and synthesizes the stack for a configuration, as a deployment would, but with source maps.
 * Each assembly has bundles of its own, so that several processes can synthesize at once. If the environment variable
 * S3_FERRY_BUNDLES names a directory, the first call builds the bundles there, and later calls reuse them.
 * @param configuration path of the configuration file
 * @param directory receives the cloud assembly
 * @throws Fault `InvalidTask` with the error output of the CDK app
 */
export async function synthesize(configuration: string, directory: string): Promise<void> {
  const bundles = await bundle(`${directory}.bundles`);
  rmSync(directory, { recursive: true, force: true });
  await run(['infra/main.ts'], {
    S3_FERRY_CONFIG: configuration,
    CDK_OUTDIR: directory,
    CDK_CONTEXT_JSON: JSON.stringify({ bundles }),
    // CloudFormation's schemas take longer to load than all the rest, and nothing here goes to CloudFormation.
    CDK_VALIDATION: 'false',
  });
}

/** Builds the bundles, or finds them in S3_FERRY_BUNDLES. @returns their directory */
async function bundle(own: string): Promise<string> {
  const shared = process.env['S3_FERRY_BUNDLES'] ?? '';
  if (shared === '') {
    await run(['esbuild.config.mjs', own, '--source-maps']);
    return own;
  }
  if (!existsSync(shared)) {
    const fresh = mkdtempSync(`${shared}-`);
    await run(['esbuild.config.mjs', fresh, '--source-maps']);
    try {
      renameSync(fresh, shared);
    } catch (error) {
      rmSync(fresh, { recursive: true });
      // Another process was faster; its bundles are the same.
      if (!existsSync(shared)) throw error;
    }
  }
  return shared;
}

/** Writes a configuration file with tasks and stack settings. @returns its path */
export function writeConfiguration(directory: string, tasks: readonly object[], stack: object = {}): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 's3-ferry.config.json');
  writeFileSync(path, `${JSON.stringify({ stack, tasks }, null, 2)}\n`);
  return path;
}

async function run(arguments_: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = spawn(process.execPath, arguments_, {
    cwd: projectDirectory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errorOutput = '';
  const collect = (chunk: Buffer): void => {
    errorOutput = (errorOutput + chunk.toString()).slice(-8000);
  };
  child.stdout.on('data', () => undefined);
  child.stderr.on('data', collect);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Fault(
      'InvalidTask',
      errorOutput.trim().replace(/^InvalidTask: /, '') || `${arguments_.join(' ')} exited with ${code}`,
    );
}
