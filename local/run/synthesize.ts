import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../shared/model/faults.ts';
import { projectDirectory } from './settings.ts';

/**
 * Bundles the functions and synthesizes the stack for a configuration, as a deployment would. The bundles have source
 * maps besides, and are beside the assembly, so that several processes can do it at once; or they are in the directory
 * that the environment variable S3_FERRY_BUNDLES names, where later calls find them built.
 * @param configuration the path of a configuration file
 * @param directory where the cloud assembly goes
 * @throws Fault `InvalidTask` with what the CDK app said
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

/** Makes the bundles, or finds them in S3_FERRY_BUNDLES. @returns their directory */
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
      // Another process was quicker: its bundles are the same.
      if (!existsSync(shared)) throw error;
    }
  }
  return shared;
}

/** Writes a configuration of tasks and the stack's settings. @returns its path */
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
  let said = '';
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-8000);
  };
  child.stdout.on('data', () => undefined);
  child.stderr.on('data', listen);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Fault(
      'InvalidTask',
      said.trim().replace(/^InvalidTask: /, '') || `${arguments_.join(' ')} ended with ${code}`,
    );
}
