import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Jest's global set-up: a directory for what the test files of one run share. The first process that needs the bundles
 * makes them there, and Node keeps compiled code there for the many processes that load the same modules.
 */
export default function setUp() {
  const directory = mkdtempSync(join(tmpdir(), 's3-ferry-test-run-'));
  process.env.S3_FERRY_BUNDLES = join(directory, 'bundles');
  process.env.NODE_COMPILE_CACHE = join(directory, 'compiled');
  globalThis.removeRunDirectory = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
