import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Clients of the services besides S3, made on first use: a function pays for those it calls. */
const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 60_000,
  httpAgent: { keepAlive: true },
  httpsAgent: { keepAlive: true },
};
/** Settings of every client but S3's. */
export const clientSettings = { requestHandler, maxAttempts: 5, cacheMiddleware: true };

export function createQueueClient(): SQSClient {
  return new SQSClient(clientSettings);
}

export function createTableClient(): DynamoDBDocumentClient {
  // The document client adds middleware of its own a command, which the cache would lose.
  return DynamoDBDocumentClient.from(new DynamoDBClient({ ...clientSettings, cacheMiddleware: false }), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

export function createMachineClient(): SFNClient {
  return new SFNClient(clientSettings);
}

export function createParameterClient(): SSMClient {
  return new SSMClient(clientSettings);
}
