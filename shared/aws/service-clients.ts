import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { BoundedHttpHandler } from './http/handler.ts';

/** Sockets a service at once: as many as the SDK's own handler has. */
const maxSockets = 50;

/** Settings of a client of a service besides S3. Each client has a handler of its own, and ends it. */
export function clientSettings(): {
  requestHandler: BoundedHttpHandler;
  maxAttempts: number;
  cacheMiddleware: boolean;
} {
  return { requestHandler: new BoundedHttpHandler({ maxSockets }), maxAttempts: 5, cacheMiddleware: true };
}

/** Clients of the services besides S3, made on first use: a function pays for those it calls. */
export function createQueueClient(): SQSClient {
  return new SQSClient(clientSettings());
}

export function createTableClient(): DynamoDBDocumentClient {
  // The document client adds middleware of its own a command, which the cache would lose.
  return DynamoDBDocumentClient.from(new DynamoDBClient({ ...clientSettings(), cacheMiddleware: false }), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

export function createMachineClient(): SFNClient {
  return new SFNClient(clientSettings());
}

export function createParameterClient(): SSMClient {
  return new SSMClient(clientSettings());
}
