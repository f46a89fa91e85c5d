import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { parseConfiguration } from '../../shared/model/config/configuration.ts';
import { ferryApp } from '../app.ts';
import { FerryStack } from '../stack.ts';
import { largest, quotaFaults, type Template } from './check.ts';
import { quotas, type QuotaName } from './quotas.ts';
import { sampleConfiguration, sampleKinds, type SampleKind } from './samples.ts';

/**
 * `npm run quotas`: writes docs/results/quotas.md, which says how much of each quota of AWS stacks of 1 to 200 tasks
 * use in every worker mode, and how many tasks of each kind fit into a stack.
 */

const counts = [1, 30, 100, 200];
const modes = ['lambda', 'ec2', 'both'] as const;
/** The search for the number of tasks that fit: from here down, in steps. */
const mostTasks = 280;
const step = 10;

/** What a stack uses, and the quotas that it exceeds. */
interface Usage {
  readonly most: ReadonlyMap<QuotaName, number>;
  readonly faults: readonly string[];
}

const project = resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 's3-ferry-quotas-'));
process.env['CDK_VALIDATION'] = 'false';
try {
  const bundles = writeBundles(join(directory, 'bundles'));
  const used = counts.map((count) =>
    together(modes.map((workerMode) => usage(count, { workerMode, kind: 'plain' }, bundles))),
  );
  const rooms = sampleKinds.map((kind) => ({ kind, ...roomFor(kind, bundles) }));
  const path = join(project, 'docs/results/quotas.md');
  writeFileSync(path, await format(page(used, rooms), { ...(await resolveConfig(path)), filepath: path }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The largest number of tasks of a kind that fits, and what ends it. */
function roomFor(kind: SampleKind['kind'], bundles: string): { tasks: number; end: string } {
  let end = '';
  for (let count = mostTasks; count > 0; count -= step) {
    const { faults } = usage(count, { workerMode: 'both', kind }, bundles);
    const [first] = faults;
    if (first === undefined) return { tasks: count, end };
    end = first.replace(/:.*/, '').replace(/ of \w+$/, '');
  }
  return { tasks: 0, end };
}

function together(usages: readonly Usage[]): Map<QuotaName, number> {
  const most = new Map<QuotaName, number>();
  for (const one of usages) {
    for (const [quota, found] of one.most) most.set(quota, Math.max(found, most.get(quota) ?? 0));
  }
  return most;
}

/** Synthesizes a stack of `count` tasks, and measures all its templates. */
function usage(count: number, sample: SampleKind, bundles: string): Usage {
  const outdir = join(directory, 'out');
  const configuration = JSON.stringify(sampleConfiguration(count, sample));
  const { tasks, stack: settings } = parseConfiguration(configuration, 'sample');
  const app = ferryApp({ outdir, treeMetadata: false });
  new FerryStack(app, 'S3Ferry', { tasks, settings, bundles });
  app.synth();
  const usages = readdirSync(outdir)
    .filter((name) => name.endsWith('.template.json'))
    .map((file) => {
      const text = readFileSync(join(outdir, file), 'utf8');
      const template = JSON.parse(text) as Template;
      const bytes = Buffer.byteLength(text);
      return { most: largest(template, bytes), faults: quotaFaults(template, bytes) };
    });
  rmSync(outdir, { recursive: true });
  return { most: together(usages), faults: usages.flatMap(({ faults }) => faults) };
}

/** Stand-ins: the size of the code has no quota that a template shows. */
function writeBundles(into: string): string {
  for (const { name } of readdirSync(join(project, 'functions'), { withFileTypes: true })) {
    mkdirSync(join(into, name), { recursive: true });
    writeFileSync(join(into, name, 'index.mjs'), '');
  }
  mkdirSync(join(into, 'worker'));
  writeFileSync(join(into, 'worker', 'index.mjs'), '');
  return into;
}

function page(
  used: readonly ReadonlyMap<QuotaName, number>[],
  rooms: readonly { readonly kind: string; readonly tasks: number; readonly end: string }[],
): string {
  const rows = (Object.keys(quotas) as QuotaName[]).map((quota) => {
    const { limit, page: source } = quotas[quota];
    const values = used.map((most) => (most.get(quota) ?? 0).toLocaleString('en-US'));
    return `| \`${quota}\` | ${values.join(' | ')} | ${limit.toLocaleString('en-US')} | ${source} |`;
  });
  return `<!-- made by "npm run quotas" -->

# Quotas: results

\`\`\`sh
npm run quotas
\`\`\`

\`cdk synth\` refuses a template over a quota. The largest value in stacks of ${counts.join(', ')} tasks, in each worker
mode (${modes.join(', ')}). Each task has two buckets of its own, whose names have 45 characters, \`create-delete\` events,
\`deletes\`, and a schedule that no other task has.

| quota | ${counts.map((count) => (count === 1 ? '1 task' : `${count} tasks`)).join(' | ')} | AWS's quota | page |
| --- | ${counts.map(() => '--:').join(' | ')} | --: | --- |
${rows.join('\n')}

How many tasks fit into one stack, in steps of ten, if all of them are of one kind (\`infra/quotas/samples.ts\`):

| kind | tasks | what ends it |
| --- | --: | --- |
${rooms.map(({ kind, tasks, end }) => `| ${kind} | ${tasks} | ${end} |`).join('\n')}
`;
}
