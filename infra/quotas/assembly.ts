import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { Fault } from '../../shared/model/faults.ts';
import { quotaFaults, type Template } from './check.ts';

/**
 * Checks each template of a cloud assembly, nested ones too. One that AWS would refuse is removed with everything that
 * could deploy it.
 * @throws Fault `InvalidTask` with every quota that a template exceeds
 */
export function refuseOverQuota({ directory }: CloudAssembly): void {
  const templates = readdirSync(directory).filter((file) => file.endsWith('.template.json'));
  const faults = templates.flatMap((file) => {
    const text = readFileSync(join(directory, file), 'utf8');
    const name = file.replace(/\.(nested\.)?template\.json$/, '');
    return quotaFaults(JSON.parse(text) as Template, Buffer.byteLength(text)).map((fault) => `${name}: ${fault}`);
  });
  if (faults.length === 0) return;
  for (const file of readdirSync(directory)) {
    if (!file.startsWith('asset.')) rmSync(join(directory, file), { recursive: true });
  }
  throw new Fault(
    'InvalidTask',
    `the stack exceeds quotas of AWS, so a deployment would fail:\n  ${faults.join('\n  ')}\n` +
      'expected fewer tasks in a configuration: divide them between several, each with a stack of its own',
  );
}
