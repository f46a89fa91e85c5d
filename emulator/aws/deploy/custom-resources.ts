import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import * as v from 'valibot';
import { Fault, faultTable, type FaultName } from '../../../shared/model/faults.ts';
import { parseWith } from '../../../shared/model/parse.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import { isCustom, type ResolvedResource, type ResolvedStack } from '../template/stack.ts';
import { customProperties } from './properties.ts';

const answerSchema = v.object({ Status: v.picklist(['SUCCESS', 'FAILED']), Reason: v.optional(v.string(), '') });
type Answer = v.InferOutput<typeof answerSchema>;

/**
 * Asks the function of each custom resource to make it, as CloudFormation does: with a URL that the answer is put to.
 * Every start asks for a creation, which is what a stack is here.
 * @throws Fault with what the function answered
 */
export async function deployCustomResources(stack: ResolvedStack, runtime: LambdaRuntime): Promise<void> {
  const resources = stack.resources.filter(({ type }) => isCustom(type));
  if (resources.length === 0) return;
  const answers = new Map<string, unknown>();
  const server = await listenForAnswers(answers);
  try {
    const { port } = server.address() as AddressInfo;
    for (const resource of resources) {
      const url = `http://127.0.0.1:${port}/${resource.logicalId}`;
      await create(resource, stack.stackId, url, runtime, () => answers.get(`/${resource.logicalId}`));
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function create(
  resource: ResolvedResource,
  stackId: string,
  url: string,
  runtime: LambdaRuntime,
  answer: () => unknown,
): Promise<void> {
  const what = `${resource.logicalId} (${resource.type})`;
  const { ServiceToken } = parseWith(customProperties, resource.properties, what);
  const result = await runtime.invoke(ServiceToken, {
    RequestType: 'Create',
    ResponseURL: url,
    StackId: stackId,
    RequestId: randomUUID(),
    LogicalResourceId: resource.logicalId,
    ResourceType: resource.type,
    ResourceProperties: resource.properties,
  });
  if (!result.ok) throw new Fault('Unavailable', `${what}: its function failed: ${result.error.errorMessage}`);
  const { Status, Reason }: Answer = parseWith(answerSchema, answer() ?? {}, `answer of ${what}`);
  if (Status === 'FAILED') throw new Fault(faultIn(Reason), `${what}: ${Reason}`);
}

/** Our own functions begin a reason with the name of the fault. */
function faultIn(reason: string): FaultName {
  const name = /^(\w+):/.exec(reason)?.[1] ?? '';
  return name in faultTable ? (name as FaultName) : 'Unavailable';
}

async function listenForAnswers(answers: Map<string, unknown>): Promise<Server> {
  const server = createServer((request, response) => {
    const keep = (value: unknown): void => {
      answers.set(request.url ?? '', value);
      response.end();
    };
    json(request).then(keep, () => response.writeHead(400).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
