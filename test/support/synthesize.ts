import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The folders of functions/: what must be bundled. */
export const functionNames = readdirSync(join(root, 'functions'), { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

export interface SynthOptions {
  /** the configuration file's text, or a value that is written as JSON; without one the example is used */
  readonly configuration?: unknown;
  readonly context?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** bundles that are not there */
  readonly without?: string;
  /** CDK's validation of the template by CloudFormation's schemas, which takes longer than all the rest */
  readonly validation?: boolean;
}

export interface Synthesized {
  readonly status: number | null;
  readonly stderr: string;
  /** the files that were written */
  readonly files: readonly string[];
  /** the text of the stack's template */
  readonly text: string;
  /** the templates of the stacks that send events from other regions, by file */
  readonly senders: Readonly<Record<string, string>>;
}

/**
 * Runs infra/main.ts in a process of its own, as the CDK's command line does, with stand-ins for the bundles: the
 * templates of the tests are those that are deployed, and no test waits until Jest has loaded aws-cdk-lib.
 */
export function runMain(options: SynthOptions = {}): Synthesized {
  const directory = mkdtempSync(join(tmpdir(), 's3-ferry-infra-'));
  try {
    const bundles = writeBundles(directory, options.without);
    const out = join(directory, 'out');
    const configuration = join(directory, 'tasks.json');
    const { configuration: given } = options;
    if (given !== undefined) writeFileSync(configuration, typeof given === 'string' ? given : JSON.stringify(given));
    const { status, stderr } = spawnSync(process.execPath, ['infra/main.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        CDK_VALIDATION: String(options.validation ?? false),
        CDK_OUTDIR: out,
        CDK_CONTEXT_JSON: JSON.stringify({ bundles, ...options.context }),
        ...(given !== undefined && { S3_FERRY_CONFIG: configuration }),
        ...options.environment,
      },
    });
    mkdirSync(out, { recursive: true });
    const files = readdirSync(out);
    const template = files.find((file) => file.endsWith('.template.json'));
    const text = template === undefined ? '' : readFileSync(join(out, template), 'utf8');
    return { status, stderr, files, text, senders: templatesIn(join(out, 'events')) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function templatesIn(directory: string): Record<string, string> {
  const files = existsSync(directory) ? readdirSync(directory) : [];
  const templates = files.filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(templates.map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
}

/** Stand-ins for the bundles. @returns their directory */
function writeBundles(directory: string, without?: string): string {
  const bundles = join(directory, 'bundles');
  for (const name of [...functionNames, 'worker'].filter((other) => other !== without)) {
    mkdirSync(join(bundles, name), { recursive: true });
    writeFileSync(join(bundles, name, 'index.mjs'), `export const handler = () => '${name}';\n`);
  }
  return bundles;
}

/** What cdk-nag finds in the stack of a configuration: the rule and the construct of each. */
export function nagFindings(configuration: unknown): string[] {
  const directory = mkdtempSync(join(tmpdir(), 's3-ferry-nag-'));
  try {
    const file = join(directory, 'tasks.json');
    writeFileSync(file, JSON.stringify(configuration));
    const options = { cwd: root, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['test/support/nag.ts', file, writeBundles(directory)],
      options,
    );
    if (status !== 0) throw new Error(`cdk-nag did not run: ${stderr}`);
    return JSON.parse(stdout) as string[];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The template of a configuration that is valid. */
export function synthesize(options: SynthOptions = {}): Template {
  const { status, stderr, text } = runMain(options);
  if (status !== 0) throw new Error(`synthesis failed with ${String(status)}: ${stderr}`);
  return JSON.parse(text) as Template;
}

export interface Resource {
  readonly Type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever CloudFormation has; expect() looks at it
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
}

/** The resources of one type. */
export function resourcesOf(template: Template, type: string): Resource[] {
  return Object.values(template.Resources).filter((resource) => resource.Type === type);
}

/**
 * A value of the template as text that is easy to compare: pseudo parameters as `<Partition>`, references as the
 * logical ID without CDK's hash (`Queue`, `Queue.Arn`).
 */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [key, argument] = entries[0] ?? [];
  if (entries.length === 1) {
    if (key === 'Ref') return `<${shortId(String(argument))}>`;
    if (key === 'Fn::GetAtt') return `<${(argument as string[]).map(shortId).join('.')}>`;
    if (key === 'Fn::Join') {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map((part) => String(plain(part))).join(separator);
    }
    if (key === 'Fn::Select') {
      const [index, list] = argument as [number, { 'Fn::Split': [string, unknown] }];
      return `<${String(index)} of ${String(plain(list['Fn::Split'][1]))}>`;
    }
  }
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]));
}

function shortId(id: string): string {
  return id.replace(/^AWS::/, '').replace(/[0-9A-F]{8}$/, '');
}
