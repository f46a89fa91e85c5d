import { join } from 'node:path';
import { lockDataDirectory } from './data-lock.ts';
import { maxTableBodyBytes, openTables, type Tables } from './dynamodb/tables.ts';
import type { RequestHandler } from './http/exchange.ts';
import { guard } from './http/guard.ts';
import { openGateway, type Gateway } from './http/gateway.ts';
import { maxJsonBodyBytes } from './http/json-service.ts';
import { serve } from './http/serve.ts';
import { stsHandler } from './http/sts.ts';
import { Access } from './iam/access.ts';
import { checkNotification, machineActions, s3Authorization } from './iam/callers.ts';
import { dynamodbCalls } from './iam/calls/dynamodb.ts';
import { sqsCalls } from './iam/calls/sqs.ts';
import { ssmCalls } from './iam/calls/ssm.ts';
import { statesCalls } from './iam/calls/states.ts';
import { identityPolicies } from './iam/evaluate.ts';
import { LambdaRuntime } from './lambda/runtime.ts';
import type { S3Service, Settings } from './options.ts';
import type { QuotaUse } from './quotas/usage.ts';
import { maxQueueBodyBytes, openQueues, type Queues } from './sqs/queues.ts';
import { ParameterStore } from './ssm/parameters.ts';
import { Announcements } from './states/announcements.ts';
import { Executions } from './states/executions.ts';
import { StepFunctions } from './states/service.ts';
import type { Teardown } from './teardown.ts';
import { queueUrl } from './template/resource-types.ts';

/** The running services, still without any resource of the stack. */
export interface Services {
  readonly access: Access;
  readonly announcements: Announcements;
  readonly gateway: Gateway;
  readonly s3: S3Service;
  readonly queues: Queues;
  readonly tables: Tables;
  readonly parameters: ParameterStore;
  readonly runtime: LambdaRuntime;
  readonly stepFunctions: StepFunctions;
}

/**
 * Opens every service and listens on the port. How to close each one is added to `teardown` as soon as it is open.
 * @throws EmulatorError `InvalidInput` if the port or the data directory is in use
 */
export async function openServices(settings: Settings, teardown: Teardown): Promise<Services> {
  const { account, credentials, dataDirectory, fault, onError, onLog, quotas } = settings;
  teardown.add(lockDataDirectory(dataDirectory));
  const access = new Access(account, credentials);
  for (const { name, credentials: keys, policy } of settings.users) {
    access.addUser(name, keys, identityPolicies([policy]));
  }
  // Queue URLs contain the port, which is known only once the gateway listens.
  let endpoint = '';
  const queues = await openQueues({ account, endpoint: () => endpoint, fault, flight: quotas?.flight });
  teardown.add(() => queues.close());
  const tables = openTables(join(dataDirectory, 'dynamodb'), quotas?.keyRanges(account));
  teardown.add(() => tables.close());
  const s3 = await settings.openS3({
    dataDirectory: join(dataDirectory, 's3'),
    region: account.region,
    credentials: (accessKeyId) => access.credentialsOf(accessKeyId),
    authorize: s3Authorization(access, account),
    onEvent: async ({ queueArn, message }) => {
      checkNotification(access, account, { queueArn, message });
      const url = queueUrl(endpoint, account, queueArn.split(':').at(-1) ?? '');
      await queues.call('SendMessage', { QueueUrl: url, MessageBody: JSON.stringify(message) });
    },
  });
  teardown.add(() => s3.close());
  const routes = new Map<string, RequestHandler>();
  const { port, portOption } = settings;
  const report = (): readonly QuotaUse[] => quotas?.report() ?? [];
  const gateway = await openGateway({ port, portOption, routes, unsigned: s3.handle, report, onError });
  endpoint = gateway.endpoint;
  teardown.add((graceMillis) => gateway.close(graceMillis));

  const surroundings = { endpoint, region: account.region };
  const { concurrency, idleSeconds, isolation } = settings;
  const admission = quotas?.concurrency;
  const runtime = new LambdaRuntime({ surroundings, concurrency, idleSeconds, isolation, onLog, fault, admission });
  teardown.add((graceMillis) => runtime.stop(graceMillis));
  const announcements = new Announcements(access, account);
  const actions = machineActions(access, account, { runtime, queues, announcements });
  const { machineWaitSeconds } = settings;
  const executions = new Executions(actions, { quotas: quotas?.executions, waitSeconds: machineWaitSeconds });
  teardown.add(() => executions.abortAll());
  const stepFunctions = new StepFunctions(account, executions);
  const parameters = new ParameterStore(account);
  const services = { access, announcements, gateway, s3, queues, tables, runtime, stepFunctions, parameters };
  addRoutes(routes, services, settings);
  return services;
}

function addRoutes(routes: Map<string, RequestHandler>, services: Services, settings: Settings): void {
  const { account, fault, quotas } = settings;
  const { access, queues, tables, stepFunctions, parameters } = services;
  routes.set('sts', stsHandler(account, access));
  routes.set('s3', services.s3.handle);
  for (const service of [
    {
      service: 'sqs',
      exchange: queues.exchange,
      limitBytes: maxQueueBodyBytes,
      undelivered: queues.releaseMessages,
      callsOf: sqsCalls,
    },
    { service: 'dynamodb', exchange: tables.exchange, limitBytes: maxTableBodyBytes, callsOf: dynamodbCalls },
    { service: 'states', exchange: stepFunctions.exchange, limitBytes: maxJsonBodyBytes, callsOf: statesCalls },
    { service: 'ssm', exchange: parameters.exchange, limitBytes: maxJsonBodyBytes, callsOf: ssmCalls },
  ] as const) {
    const refuse = guard({ ...service, access, account });
    routes.set(service.service, serve({ ...service, fault, refuse, rates: quotas?.requests }));
  }
}
