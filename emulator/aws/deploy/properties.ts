import * as v from 'valibot';
import type { PolicyDocument } from '../iam/policy.ts';

/**
 * The properties of each deployed resource type that the emulator uses; it ignores all others. Numbers and booleans may
 * be strings, as everywhere in CloudFormation.
 */
const number = v.pipe(
  v.union([v.number(), v.string()]),
  v.transform((value) => Number(value)),
  v.number(),
);
const boolean = v.pipe(
  v.union([v.boolean(), v.string()]),
  v.transform((value) => String(value) === 'true'),
);
const text = v.pipe(v.string(), v.minLength(1));
const object = v.record(v.string(), v.unknown());

export const queueProperties = v.object({
  DelaySeconds: v.optional(number),
  MaximumMessageSize: v.optional(number),
  MessageRetentionPeriod: v.optional(number),
  ReceiveMessageWaitTimeSeconds: v.optional(number),
  VisibilityTimeout: v.optional(number),
  FifoQueue: v.optional(boolean),
  ContentBasedDeduplication: v.optional(boolean),
  RedrivePolicy: v.optional(v.object({ deadLetterTargetArn: text, maxReceiveCount: number })),
});

export const tableProperties = v.object({
  AttributeDefinitions: v.array(object),
  KeySchema: v.array(object),
  GlobalSecondaryIndexes: v.optional(v.array(object)),
  LocalSecondaryIndexes: v.optional(v.array(object)),
  BillingMode: v.optional(v.string(), 'PROVISIONED'),
  ProvisionedThroughput: v.optional(object),
});

export const parameterProperties = v.object({
  Type: v.picklist(['String', 'StringList']),
  Value: text,
  Tier: v.optional(v.picklist(['Standard', 'Advanced', 'Intelligent-Tiering']), 'Standard'),
});

export const functionProperties = v.object({
  Runtime: text,
  Role: text,
  Handler: text,
  Code: v.object({ S3Key: v.optional(v.string()) }),
  Timeout: v.optional(number, 3),
  MemorySize: v.optional(number, 128),
  ReservedConcurrentExecutions: v.optional(number),
  Environment: v.optional(v.object({ Variables: v.optional(v.record(v.string(), v.string()), {}) }), { Variables: {} }),
});

export const mappingProperties = v.object({
  EventSourceArn: v.pipe(v.string(), v.regex(/^arn:[^:]+:sqs:/, 'expected the ARN of a queue')),
  FunctionName: text,
  BatchSize: v.optional(number, 10),
  Enabled: v.optional(boolean, true),
  FunctionResponseTypes: v.optional(v.array(v.string()), []),
  ScalingConfig: v.optional(v.object({ MaximumConcurrency: v.optional(number) })),
  FilterCriteria: v.optional(v.undefined('expected none: the emulator does not filter')),
});

export const machineProperties = v.object({
  DefinitionString: text,
  RoleArn: text,
});

const targetEntries = { Arn: text, Input: v.optional(v.string()), RoleArn: v.optional(text) };

export const ruleProperties = v.object({
  ScheduleExpression: v.optional(text),
  State: v.optional(v.string(), 'ENABLED'),
  Targets: v.optional(v.array(v.object(targetEntries)), []),
});

export const scheduleProperties = v.object({
  ScheduleExpression: text,
  ScheduleExpressionTimezone: v.optional(v.picklist(['UTC'], 'expected UTC'), 'UTC'),
  State: v.optional(v.string(), 'ENABLED'),
  Target: v.object(targetEntries),
});

/** A custom resource. Its function interprets all other properties. */
export const customProperties = v.object({ ServiceToken: text });

/** A policy document: its elements are read by emulator/aws/iam. */
const document = v.custom<PolicyDocument>((value) =>
  v.is(v.object({ Statement: v.union([object, v.array(object)]) }), value),
);

export const roleProperties = v.object({
  AssumeRolePolicyDocument: document,
  Policies: v.optional(v.array(v.object({ PolicyDocument: document })), []),
  ManagedPolicyArns: v.optional(v.array(text), []),
  PermissionsBoundary: v.optional(v.undefined('expected none: the emulator does not evaluate it')),
});

/** An inline or a managed policy, with the names of the roles that have it. */
export const policyProperties = v.object({
  PolicyDocument: document,
  Roles: v.optional(v.array(text), []),
});

export const instanceProfileProperties = v.object({ Roles: v.array(text) });

export const queuePolicyProperties = v.object({ PolicyDocument: document, Queues: v.array(text) });

export const functionPermissionProperties = v.object({
  Action: text,
  FunctionName: text,
  Principal: text,
  SourceArn: v.optional(text),
  SourceAccount: v.optional(text),
});
