import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import * as v from 'valibot';
import { EmulatorError } from '../errors.ts';
import type { LambdaRuntime } from '../lambda/runtime.ts';
import { isCustom, type ResolvedResource, type ResolvedStack } from '../template/stack.ts';
import { validate } from '../validate.ts';
import { customProperties } from './properties.ts';

const answerSchema = v.object({ Status: v.picklist(['SUCCESS', 'FAILED']), Reason: v.optional(v.string(), '') });

/**
 * Invokes the function of each custom resource with a `Create` request, as CloudFormation does: the function puts its
 * answer to the `ResponseURL` of the request. Every start sends `Create`, because every start deploys a new stack.
 * @throws EmulatorError `ResourceFailed` with the reason that the function answered
 */
export async function deployCustomResources(stack: ResolvedStack, runtime: LambdaRuntime): Promise<void> {
  const resources = stack.resources.filter(({ type }) => isCustom(type));
  if (resources.length === 0) return;
  const answers = await listenForAnswers();
  try {
    for (const resource of resources) {
      const what = `${resource.logicalId} (${resource.type})`;
      const { ServiceToken } = validate(customProperties, resource.properties, what);
      const result = await runtime.invoke(ServiceToken, createRequest(resource, stack.stackId, answers.url));
      if (!result.ok) {
        throw new EmulatorError('ResourceFailed', `${what}: its function failed: ${result.error.errorMessage}`);
      }
      const answer = answers.find(resource.logicalId) ?? {};
      const { Status, Reason } = validate(answerSchema, answer, `answer of ${what}`);
      if (Status === 'FAILED') throw new EmulatorError('ResourceFailed', `${what}: ${Reason}`, { reason: Reason });
    }
  } finally {
    answers.close();
  }
}

function createRequest({ logicalId, type, properties }: ResolvedResource, StackId: string, answersUrl: string): object {
  return {
    RequestType: 'Create',
    ResponseURL: `${answersUrl}/${logicalId}`,
    StackId,
    RequestId: randomUUID(),
    LogicalResourceId: logicalId,
    ResourceType: type,
    ResourceProperties: properties,
  };
}

/** Where functions put their answers: in CloudFormation an S3 URL, here a server of its own. */
interface Answers {
  readonly url: string;
  /** The JSON that the function of a resource sent; undefined if it sent none. */
  readonly find: (logicalId: string) => unknown;
  readonly close: () => void;
}

async function listenForAnswers(): Promise<Answers> {
  const answers = new Map<string, unknown>();
  const server = createServer((request, response) => {
    const keep = (value: unknown): void => {
      answers.set(request.url ?? '', value);
      response.end();
    };
    json(request).then(keep, () => response.writeHead(400).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    find: (logicalId) => answers.get(`/${logicalId}`),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
