import { resolve } from 'node:path';
import { Fault } from '../shared/model/faults.ts';
import { ferryApp } from './app.ts';
import { readConfiguration } from './configuration.ts';
import { writeEventSenders } from './events/write.ts';
import { refuseOverQuota } from './quotas/assembly.ts';
import { FerryStack } from './stack.ts';

/**
 * The CDK app. `cdk.json` runs it; without the CDK's command line it writes the same template to CDK_OUTDIR. The
 * templates for other regions and accounts that send events are beside it, in `events`.
 *
 * - configuration file: environment variable S3_FERRY_CONFIG, or context `config`; by default `s3-ferry.config.json`
 * - stack name: context `stack`; by default `S3Ferry`
 * - bundles of the functions: context `bundles`; by default the project's `dist`
 */
try {
  const app = ferryApp();
  const setting = (name: string) => app.node.tryGetContext(name) as string | undefined;
  const configuration = process.env['S3_FERRY_CONFIG'] ?? setting('config') ?? 's3-ferry.config.json';
  const { tasks, stack: settings } = readConfiguration(configuration);
  const bundles = setting('bundles') ?? resolve(import.meta.dirname, '../dist');
  new FerryStack(app, setting('stack') ?? 'S3Ferry', { tasks, settings, bundles });
  writeEventSenders(app.outdir, tasks);
  refuseOverQuota(app.synth());
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  // The fault is in the configuration: a stack trace would only hide it.
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
