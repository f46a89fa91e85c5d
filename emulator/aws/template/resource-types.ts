import { arnOf, type Account } from '../account.ts';
import type { ResourceIdentity } from './intrinsics.ts';

/**
 * Resource types without a meaning on one machine: keys, retention, monitoring, instances. A type that is
 * neither ignored nor deployed is an error, so that no resource is skipped unnoticed.
 */
const ignoredTypes = [
  /^AWS::KMS::/,
  /^AWS::Logs::/,
  /^AWS::SNS::/,
  /^AWS::CloudWatch::/,
  /^AWS::EC2::/,
  /^AWS::AutoScaling::/,
  /^AWS::CDK::Metadata$/,
  /^AWS::Lambda::EventInvokeConfig$/,
  /^AWS::S3::BucketPolicy$/,
  /^AWS::Scheduler::ScheduleGroup$/,
];

export function isIgnored(type: string): boolean {
  return ignoredTypes.some((pattern) => pattern.test(type));
}

/** By resource type: the property with which a template can name the resource. */
export const nameProperties: Readonly<Record<string, string>> = {
  'AWS::SQS::Queue': 'QueueName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::SSM::Parameter': 'Name',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::IAM::Policy': 'PolicyName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::IAM::InstanceProfile': 'InstanceProfileName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::Events::Rule': 'Name',
  'AWS::Scheduler::Schedule': 'Name',
};

/** The `Ref` and the attributes of a resource, as CloudFormation documents them for the type. */
export function identify(type: string, name: string, account: Account, endpoint: string): ResourceIdentity | undefined {
  const arn = (service: string, resource: string): string => arnOf(account, service, resource);
  const iamArn = (resource: string): string => arnOf({ ...account, region: '' }, 'iam', resource);
  switch (type) {
    case 'AWS::SQS::Queue': {
      const url = queueUrl(endpoint, account, name);
      return { ref: url, attributes: { Arn: arn('sqs', name), QueueName: name, QueueUrl: url } };
    }
    case 'AWS::DynamoDB::Table':
      return { ref: name, attributes: { Arn: arn('dynamodb', `table/${name}`) } };
    case 'AWS::SSM::Parameter':
      return { ref: name, attributes: {} };
    case 'AWS::Lambda::Function':
      return { ref: name, attributes: { Arn: arn('lambda', `function:${name}`) } };
    case 'AWS::StepFunctions::StateMachine': {
      const machineArn = arn('states', `stateMachine:${name}`);
      return { ref: machineArn, attributes: { Arn: machineArn, Name: name } };
    }
    case 'AWS::S3::Bucket':
      return { ref: name, attributes: { Arn: `arn:${account.partition}:s3:::${name}` } };
    case 'AWS::IAM::Role':
      return { ref: name, attributes: { Arn: iamArn(`role/${name}`) } };
    case 'AWS::IAM::Policy':
      return { ref: name, attributes: {} };
    case 'AWS::IAM::ManagedPolicy':
      return { ref: iamArn(`policy/${name}`), attributes: { PolicyArn: iamArn(`policy/${name}`) } };
    case 'AWS::IAM::InstanceProfile':
      return { ref: name, attributes: { Arn: iamArn(`instance-profile/${name}`) } };
    case 'AWS::Logs::LogGroup':
      return { ref: name, attributes: { Arn: `${arn('logs', `log-group:${name}`)}:*` } };
    case 'AWS::SNS::Topic':
      return { ref: arn('sns', name), attributes: { TopicArn: arn('sns', name), TopicName: name } };
    case 'AWS::Events::Rule':
      return { ref: name, attributes: { Arn: arn('events', `rule/${name}`) } };
    default:
      return undefined;
  }
}

/** The URL of a queue. */
export function queueUrl(endpoint: string, account: Account, name: string): string {
  return `${endpoint}/${account.accountId}/${name}`;
}

/** The ARN of a queue from its URL or name, which ends with the name. */
export function arnOfQueue(urlOrName: string, account: Account): string {
  return arnOf(account, 'sqs', urlOrName.split('/').at(-1) ?? '');
}

/** The ARN of a function from its ARN or name. */
export function arnOfFunction(arnOrName: string, account: Account): string {
  return arnOrName.startsWith('arn:') ? arnOrName : arnOf(account, 'lambda', `function:${arnOrName}`);
}
