import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FunctionSettings } from '../aws/lambda.ts';
import type { QueueSettings } from '../aws/queue.ts';

/** What the simulation takes from the template that would be deployed. */
export interface StackModel {
  /** by their names in functions/ */
  readonly functions: ReadonlyMap<string, FunctionSettings>;
  readonly queue: QueueSettings;
  /** the mappings of the queues to copy-objects; absent if only workers consume */
  readonly mappings: Partial<Record<'jobs' | 'events', Mapping>>;
  readonly machines: { readonly sync: object; readonly upload: object };
  readonly giveUpAfterSeconds: number;
  /** find-objects calls of a run at once */
  readonly finders: number;
  /** executions of the UPLOAD machine at once, and upload-parts calls over all of them */
  readonly uploadsAtOnce: number;
  readonly partsAtOnce: number;
  readonly resources: Readonly<Record<string, Resource>>;
}

export interface Mapping {
  readonly batchSize: number;
  readonly maxConcurrency: number;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

const project = resolve(import.meta.dirname, '../..');

/**
 * Synthesizes the stack with these settings, in a process of its own as the CDK's command line does, with stand-ins for
 * the bundles, and reads what the simulation needs.
 * @throws Error with the output of the CDK app
 */
export function synthesizeStack(settings: Readonly<Record<string, unknown>> = {}): StackModel {
  const directory = mkdtempSync(join(tmpdir(), 's3-ferry-simulation-'));
  try {
    return modelOf(synthesize(directory, settings));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function synthesize(directory: string, settings: Readonly<Record<string, unknown>>): Template {
  const bundles = join(directory, 'bundles');
  const names = readdirSync(join(project, 'functions'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const name of [...names.map((entry) => entry.name), 'worker']) {
    mkdirSync(join(bundles, name), { recursive: true });
    writeFileSync(join(bundles, name, 'index.mjs'), '');
  }
  const configuration = join(directory, 'tasks.json');
  const task = { name: 'one', source: { bucket: 'source' }, destination: { bucket: 'destination' } };
  writeFileSync(configuration, JSON.stringify({ stack: settings, tasks: [task] }));
  const out = join(directory, 'out');
  const { status, stderr } = spawnSync(process.execPath, ['infra/main.ts'], {
    cwd: project,
    encoding: 'utf8',
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      S3_FERRY_CONFIG: configuration,
      CDK_OUTDIR: out,
      CDK_CONTEXT_JSON: JSON.stringify({ bundles }),
      CDK_VALIDATION: 'false',
    },
  });
  if (status !== 0) throw new Error(`the stack was not synthesized: ${stderr}`);
  const file = readdirSync(out).find((name) => name.endsWith('.template.json'));
  return JSON.parse(readFileSync(join(out, file ?? ''), 'utf8')) as Template;
}

function modelOf(template: Template): StackModel {
  const resources = Object.entries(template.Resources);
  const ofType = (type: string) => resources.filter(([, resource]) => resource.Type === type);
  const functions = new Map(
    ofType('AWS::Lambda::Function').flatMap(([id, { Properties = {} }]) => {
      const name = functionName(id);
      const memoryMegabytes = Number(Properties['MemorySize']);
      const reserved = Properties['ReservedConcurrentExecutions'] as number | undefined;
      return name === undefined ? [] : [[name, { memoryMegabytes, reserved }] as const];
    }),
  );
  const jobs = ofType('AWS::SQS::Queue').find(([id]) => /Jobs[0-9A-F]{8}$/.test(id))?.[1].Properties ?? {};
  const redrive = jobs['RedrivePolicy'] as { maxReceiveCount: number };
  const environmentOf = (name: string): Readonly<Record<string, string>> => {
    const found = ofType('AWS::Lambda::Function').find(([id]) => functionName(id) === name)?.[1].Properties;
    return (found?.['Environment'] as { Variables: Record<string, string> }).Variables;
  };
  const environment = environmentOf('copy-objects');
  return {
    functions,
    queue: {
      visibilitySeconds: Number(jobs['VisibilityTimeout']),
      retentionSeconds: Number(jobs['MessageRetentionPeriod']),
      maxReceives: redrive.maxReceiveCount,
    },
    mappings: Object.fromEntries(ofType('AWS::Lambda::EventSourceMapping').map(([, one]) => mappingOf(one))),
    machines: { sync: machineOf(template, 'SyncMachineArn'), upload: machineOf(template, 'UploadMachineArn') },
    giveUpAfterSeconds: Number(environment['GIVE_UP_AFTER_SECONDS']),
    finders: Number(environmentOf('cut-ranges')['FINDERS']),
    uploadsAtOnce: Number(environment['UPLOADS_AT_ONCE']),
    partsAtOnce: Number(environmentOf('plan-upload')['PARTS_AT_ONCE']),
    resources: template.Resources,
  };
}

/** A mapping, with the queue that it polls. */
function mappingOf({ Properties = {} }: Resource): ['jobs' | 'events', Mapping] {
  const {
    'Fn::GetAtt': [queue],
  } = Properties['EventSourceArn'] as { 'Fn::GetAtt': [string, string] };
  const scaling = Properties['ScalingConfig'] as { MaximumConcurrency: number };
  const mapping = { batchSize: Number(Properties['BatchSize']), maxConcurrency: scaling.MaximumConcurrency };
  return [/Events[0-9A-F]{8}$/.test(queue) ? 'events' : 'jobs', mapping];
}

/** The name in functions/ of a function, by its logical ID, which ends with a hash. */
function functionName(id: string): string | undefined {
  const name = /^(\w+?)Handler[0-9A-F]{8}$/.exec(id)?.[1];
  return name?.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

/** The definition of a machine; a function's ARN in it is the function's name. */
function machineOf({ Resources, Outputs }: Template, output: string): object {
  const { Ref } = Outputs[output]?.Value as { Ref: string };
  const { DefinitionString } = Resources[Ref]?.Properties as { DefinitionString: { 'Fn::Join': [string, unknown[]] } };
  const text = DefinitionString['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : rendered(part)));
  return JSON.parse(text.join('')) as object;
}

function rendered(part: unknown): string {
  const { 'Fn::GetAtt': attribute, Ref } = part as { 'Fn::GetAtt'?: [string, string]; Ref?: string };
  if (attribute) return functionName(attribute[0]) ?? attribute[0];
  return Ref === 'AWS::Partition' ? 'aws' : (Ref ?? '');
}
