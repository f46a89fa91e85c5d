import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { BoundedHttpHandler } from './http/handler.ts';

/**
 * The ports on AWS: the only folder that imports the AWS SDK. Each subfolder is a service or a concern: s3, sqs,
 * dynamodb, credentials of a task's sides, and http, which bounds every request. Each error of the SDK becomes a fault
 * in faults.ts, and each listing is followed by pages.ts. Parameters, executions and custom resources are a file each.
 * This file makes the clients of all services but S3.
 */

/** Sockets per service: as many as the SDK's own handler has. */
const maxSockets = 50;

/** Settings for a client. Each client has its own request handler, and destroys it. */
export function clientSettings(): {
  requestHandler: BoundedHttpHandler;
  maxAttempts: number;
  cacheMiddleware: boolean;
} {
  return { requestHandler: new BoundedHttpHandler({ maxSockets }), maxAttempts: 5, cacheMiddleware: true };
}

/** The functions below are called on first use: a Lambda function pays only for the clients that it needs. */
export function createQueueClient(): SQSClient {
  return new SQSClient(clientSettings());
}

export function createTableClient(): DynamoDBDocumentClient {
  // The document client adds middleware per command; the cache would drop it.
  return DynamoDBDocumentClient.from(new DynamoDBClient({ ...clientSettings(), cacheMiddleware: false }), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

/**
 * A client for requests that must not be made twice: it makes each once, over the connections of another client, whose
 * requests come just before. An idle connection may be closed by the time it is needed.
 */
export function createSingleAttemptClient(table: DynamoDBDocumentClient): DynamoDBDocumentClient {
  const { requestHandler } = table.config;
  return DynamoDBDocumentClient.from(new DynamoDBClient({ requestHandler, maxAttempts: 1, cacheMiddleware: false }));
}

export function createMachineClient(): SFNClient {
  return new SFNClient(clientSettings());
}

export function createParameterClient(): SSMClient {
  return new SSMClient(clientSettings());
}
