import { localAccountId } from './account.ts';
import { deployResources } from './deploy/deploy.ts';
import { startMappings, startSchedules } from './deploy/triggers.ts';
import type { PermissionUse } from './iam/access.ts';
import type { InvocationResult } from './lambda/environment.ts';
import type { Credentials } from './lambda/function-definition.ts';
import type { RunningEnvironment } from './lambda/runtime.ts';
import type { QuotaUse } from './quotas/usage.ts';
import { settingsOf, type EmulatorOptions, type Settings } from './options.ts';
import { openServices, type Services } from './services.ts';
import type { Announced } from './states/announcements.ts';
import { Teardown } from './teardown.ts';
import { resolveStack, type ResolvedStack } from './template/stack.ts';
import { readAssembly } from './template/template.ts';

/** A deployed stack on the services that run it. */
export interface Emulator {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accountId: string;
  /** the stack's outputs by name */
  readonly outputs: Readonly<Record<string, string>>;
  /** the current execution environments */
  readonly environments: () => RunningEnvironment[];
  /** every permission of the stack, and whether a call has needed it so far */
  readonly permissions: () => PermissionUse[];
  /** what machines published to topics and put on event buses, oldest first; nothing receives it */
  readonly announced: () => readonly Announced[];
  /** how far each quota was used so far; empty without quotas. The endpoint answers it to `GET /_quotas`. */
  readonly quotas: () => QuotaUse[];
  /** Credentials of the role of the stack's instances. @throws EmulatorError if the stack has none */
  readonly instanceCredentials: () => Credentials;
  readonly invokeFunction: (nameOrArn: string, event: unknown) => Promise<InvocationResult>;
  /** Stops everything, in order. Running functions have `graceMillis` (default 5,000) to finish. */
  readonly stop: (graceMillis?: number) => Promise<void>;
}

const defaultGraceMillis = 5000;

/**
 * Starts the services on one port of 127.0.0.1 and deploys a synthesized stack into them, in the order of a deployment:
 * services, buckets, resources, and last the triggers that start work.
 * @throws EmulatorError if the port or the data directory is in use, the assembly does not exist, or the stack holds
 *   something that the emulator does not implement; everything started until then is stopped
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const settings = settingsOf(options);
  const { account } = settings;
  const assembly = readAssembly(settings.assemblyDirectory, settings.stackName);
  const teardown = new Teardown();
  try {
    const services = await openServices(settings, teardown);
    const { access, gateway, runtime, s3 } = services;
    for (const bucket of settings.buckets) await s3.createBucket(bucket);
    const stack = resolveStack(assembly, account, gateway.endpoint);
    await deployResources(stack, assembly, { ...services, account, note: settings.onNote });
    startTriggers(stack, services, settings, teardown);
    return {
      endpoint: gateway.endpoint,
      port: gateway.port,
      region: account.region,
      accountId: localAccountId,
      outputs: stack.outputs,
      environments: () => runtime.environments(),
      permissions: () => access.permissions(),
      announced: () => services.announcements.all(),
      quotas: () => settings.quotas?.report() ?? [],
      instanceCredentials: () => access.instanceCredentials(),
      invokeFunction: (nameOrArn, event) => runtime.invoke(nameOrArn, event),
      stop: (graceMillis = defaultGraceMillis) => teardown.run(graceMillis),
    };
  } catch (error) {
    await teardown.run(0);
    throw error;
  }
}

function startTriggers(stack: ResolvedStack, services: Services, settings: Settings, teardown: Teardown): void {
  const { account, retryDelaySeconds, onError, onNote, quotas, schedules } = settings;
  const { endpoint } = services.gateway;
  const options = { account, endpoint, retryDelaySeconds, onError, note: onNote, quotas };
  // Mappings stop before executions and functions: a batch in progress may still need both.
  for (const mapping of startMappings(stack, services, options)) {
    teardown.add((graceMillis) => Promise.race([mapping.stop(), pause(graceMillis)]));
  }
  if (schedules) teardown.add(startSchedules(stack, services, options));
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis).unref());
}
