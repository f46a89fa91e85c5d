/** A quota of AWS that a deployment would meet, and the page of AWS that states it. */
export interface Quota {
  readonly limit: number;
  readonly page: string;
}

const cloudFormation = 'AWS CloudFormation User Guide: Understand CloudFormation quotas';
const iam = 'IAM User Guide: IAM and AWS STS quotas';
const lambda = 'AWS Lambda Developer Guide: Lambda quotas';
const eventBridge = 'Amazon EventBridge User Guide: Amazon EventBridge quotas';
const sqs = 'Amazon SQS Developer Guide: Amazon SQS policy quotas';

/** The quotas that a template is checked against, all at the default that every account has. */
export const quotas = {
  templateBytes: { limit: 1_000_000, page: cloudFormation },
  resources: { limit: 500, page: cloudFormation },
  parameters: { limit: 200, page: cloudFormation },
  outputs: { limit: 200, page: cloudFormation },
  /** of all inline policies of a role together, without whitespace */
  rolePolicyCharacters: { limit: 10_240, page: iam },
  managedPolicyCharacters: { limit: 6_144, page: iam },
  /** raised up to 20 on request */
  managedPoliciesPerRole: { limit: 10, page: iam },
  trustPolicyCharacters: { limit: 2_048, page: iam },
  queuePolicyBytes: { limit: 8_192, page: sqs },
  queuePolicyStatements: { limit: 20, page: sqs },
  standardParameterBytes: { limit: 4_096, page: 'AWS Systems Manager User Guide: Managing parameter tiers' },
  advancedParameterBytes: { limit: 8_192, page: 'AWS Systems Manager User Guide: Managing parameter tiers' },
  environmentBytes: { limit: 4_096, page: lambda },
  functionPolicyBytes: { limit: 20_480, page: lambda },
  definitionBytes: { limit: 1_048_576, page: 'AWS Step Functions Developer Guide: Step Functions service quotas' },
  rulesPerBus: { limit: 300, page: eventBridge },
  eventPatternCharacters: { limit: 2_048, page: eventBridge },
  eventBusPolicyCharacters: { limit: 10_240, page: eventBridge },
  targetsPerRule: { limit: 5, page: eventBridge },
  notificationsPerBucket: { limit: 100, page: 'Amazon S3 API Reference: PutBucketNotificationConfiguration' },
  alarmMetrics: { limit: 10, page: 'Amazon CloudWatch User Guide: CloudWatch service quotas' },
  userDataBytes: { limit: 16_384, page: 'Amazon EC2 User Guide: Run commands when you launch an EC2 instance' },
} as const satisfies Readonly<Record<string, Quota>>;

export type QuotaName = keyof typeof quotas;
