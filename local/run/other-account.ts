import type { PolicyDocument, User } from '../../emulator/aws/index.ts';
import type { Side, Task } from '../../shared/model/config/task.ts';
import { localNames } from './settings.ts';

/**
 * The user whose keys are in Parameter Store: what an owner of the far buckets grants to S3 Ferry, and no more
 * (docs/deployment.md, "Permissions on the other account").
 */
export function otherAccount(tasks: readonly Task[]): User {
  const statements = tasks.flatMap((task) => [
    ...(isTheirs(task.source) ? sourceStatements(task) : []),
    ...(isTheirs(task.destination) ? destinationStatements(task) : []),
  ]);
  return {
    name: localNames.otherAccount.user,
    credentials: localNames.otherAccount.credentials,
    policy: { Statement: statements },
  };
}

function isTheirs({ credentials }: Side): boolean {
  return (
    credentials !== undefined &&
    'ssmParameter' in credentials &&
    credentials.ssmParameter === localNames.credentialsParameter
  );
}

type Statements = readonly Extract<PolicyDocument['Statement'], { readonly Effect: string }>[];

function sourceStatements({ source }: Task): Statements {
  return [
    { Effect: 'Allow', Action: 's3:ListBucket', Resource: bucketArn(source) },
    {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'],
      Resource: objectsArn(source),
    },
  ];
}

function destinationStatements({ destination, deletes, events }: Task): Statements {
  const Action = [
    's3:GetObject',
    's3:PutObject',
    's3:PutObjectTagging',
    's3:AbortMultipartUpload',
    's3:ListMultipartUploadParts',
    ...(deletes || events === 'create-delete' ? ['s3:DeleteObject'] : []),
    ...(destination.acl === undefined ? [] : ['s3:PutObjectAcl']),
  ];
  return [
    {
      Effect: 'Allow',
      Action: ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
      Resource: bucketArn(destination),
    },
    { Effect: 'Allow', Action, Resource: objectsArn(destination) },
  ];
}

function bucketArn({ bucket }: Side): string {
  return `arn:aws:s3:::${bucket}`;
}

function objectsArn(side: Side): string {
  return `${bucketArn(side)}/${side.prefix.replace(/[$*?]/g, (character) => `\${${character}}`)}*`;
}
