import { devNull } from 'node:os';

/** A deployed function. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  /** the ID of the construct, such as `copy-objects`; concurrency limits refer to it */
  readonly id: string;
  /** absolute path of the unpacked code */
  readonly codeDirectory: string;
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMiB: number;
  /** calls at once that are the function's own, and no more */
  readonly reservedConcurrency?: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** of a session of its role */
  readonly credentials: Credentials;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** with the keys of a session */
  readonly sessionToken?: string;
}

/** What every function of a deployment gets in addition to its own configuration. */
export interface FunctionSurroundings {
  readonly endpoint: string;
  readonly region: string;
}

/**
 * All environment variables of a function. Variables of this process are not inherited, and the SDK cannot read the
 * developer's profiles: with either, a function could behave here as it cannot in Lambda.
 */
export function processEnvironment(
  definition: FunctionDefinition,
  { endpoint, region }: FunctionSurroundings,
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = definition.credentials;
  return {
    ...definition.environment,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMiB),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${definition.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    LAMBDA_TASK_ROOT: definition.codeDirectory,
    _HANDLER: definition.handler,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
  };
}
