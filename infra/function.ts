import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CfnResource, Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { Fault } from '../shared/model/faults.ts';
import type { StackSettings } from '../shared/model/config/settings.ts';
import { createLog } from './logs.ts';
import type { TracingCondition } from './monitoring/partition.ts';
import type { JobQueues } from './queue.ts';
import { grantSides, type SidesUse } from './sides.ts';
import type { LedgerTable } from './table.ts';
import type { TaskParameters } from './tasks.ts';
import { explainWildcard } from './wildcards.ts';

/** What every function connects to. */
export interface Pipeline {
  readonly tasks: TaskParameters;
  readonly queues: JobQueues;
  readonly ledger: LedgerTable;
  /** the directory with one bundle per function: `<bundles>/<name>/index.mjs` */
  readonly bundles: string;
  readonly settings: StackSettings;
  readonly tracing: TracingCondition;
  /** of the metrics that shared/observing/ writes; each stack has its own */
  readonly metricsNamespace: string;
}

export interface FunctionSettings {
  /** the folder in functions/, the bundle, and the service in logs and metrics */
  readonly name: string;
  readonly description: string;
  /** MB; the share of a processor grows with it, to a whole one at 1,769 */
  readonly memory: number;
  readonly timeout: Duration;
  /** concurrent calls that no other function of the account can take, and more than which it never has */
  readonly reservedCalls?: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** what it does with the two sides of each task, from which its permissions follow */
  readonly sides?: SidesUse;
}

/** A function with its own role, which may write to its log and do only what is granted in addition. */
export class FerryFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly timeout: Duration;

  constructor(scope: Construct, id: string, pipeline: Pipeline, settings: FunctionSettings) {
    super(scope, id);
    this.timeout = settings.timeout;
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const logGroup = createLog(this, pipeline.settings);
    logGroup.grantWrite(this.role);
    this.function = new LambdaFunction(this, 'Handler', {
      description: settings.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundleOf(pipeline.bundles, settings.name)),
      handler: 'index.handler',
      memorySize: settings.memory,
      timeout: settings.timeout,
      ...(settings.reservedCalls !== undefined && { reservedConcurrentExecutions: settings.reservedCalls }),
      role: this.role,
      logGroup,
      environment: {
        ...settings.environment,
        POWERTOOLS_SERVICE_NAME: settings.name,
        POWERTOOLS_METRICS_NAMESPACE: pipeline.metricsNamespace,
        POWERTOOLS_LOG_LEVEL: 'INFO',
      },
    });
    this.trace(pipeline.tracing);
    if (settings.sides) grantSides(this.role, pipeline.tasks.tasks, settings.sides);
  }

  /** Sends traces in partitions that have X-Ray. */
  private trace(tracing: TracingCondition): void {
    tracing.only(this.function.node.defaultChild as CfnResource, 'TracingConfig', { Mode: 'Active' });
    const actions = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];
    this.role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
    explainWildcard(this.role, /^\*$/, 'X-Ray has no finer resource for traces');
  }
}

/**
 * A function's environment: exactly the variables that its handler reads. A missing or unknown key does not compile.
 */
export function environmentOf<const Keys extends readonly string[]>(
  keys: Keys,
  values: Readonly<Record<Keys[number], string>>,
): Record<string, string> {
  return Object.fromEntries(keys.map((key: Keys[number]) => [key, values[key]]));
}

/** The directory of a bundle. @throws Fault `InvalidInput` if the bundle does not exist */
export function bundleOf(bundles: string, name: string): string {
  const file = join(bundles, name, 'index.mjs');
  if (existsSync(file)) return join(bundles, name);
  throw new Fault('InvalidInput', `the bundle of ${name} is missing: expected ${file}; make it with "npm run build"`);
}
