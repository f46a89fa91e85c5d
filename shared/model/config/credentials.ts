import * as v from 'valibot';

/** Credentials for one side of a task, if the role of the functions has no access to it: exactly one kind. */

const roleArn = v.pipe(
  v.string(),
  v.regex(
    /^arn:[a-z-]+:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/,
    'expected the ARN of a role, arn:PARTITION:iam::ACCOUNT:role/NAME',
  ),
);

const parameterSchema = v.strictObject({
  ssmParameter: v.pipe(
    v.string(),
    v.regex(/^[\w./-]{1,1011}$/, 'expected the name of an SSM parameter'),
    v.description(
      'name of a SecureString of Parameter Store that holds `{"aws_access_key_id", "aws_secret_access_key", ' +
        '"session_token"?, "region"?}`',
    ),
  ),
});

const secretSchema = v.strictObject({
  secretArn: v.pipe(
    v.string(),
    v.regex(
      /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]{1,520}$/,
      'expected the ARN of a secret, arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX',
    ),
    v.description('ARN of a secret of Secrets Manager that holds the same JSON as `ssmParameter`'),
  ),
});

const roleSchema = v.strictObject({
  roleArn: v.pipe(roleArn, v.description('a role of the same partition, which the functions assume')),
  externalId: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^[\w+=,.@:/-]{2,1224}$/, 'expected an external ID (2 to 1,224 of A-Z, a-z, 0-9 and +=,.@:/-_)'),
      v.description("the external ID that the role's trust policy asks for"),
    ),
  ),
});

const webIdentitySchema = v.strictObject({
  webIdentity: v.pipe(
    v.strictObject({
      roleArn: v.pipe(roleArn, v.description('a role of the other partition, which trusts tokens of this account')),
      audience: v.pipe(
        v.string(),
        v.regex(/^[\x21-\x7e]{1,255}$/, 'expected an audience (1 to 255 printable characters without spaces)'),
        v.description("the token's audience: a client ID of the identity provider in the other account"),
      ),
    }),
    v.description(
      "a token of this account's STS, exchanged for a role at the STS of the side's `region`: trust between " +
        'partitions without any key',
    ),
  ),
});

const anonymousSchema = v.strictObject({
  anonymous: v.pipe(v.literal(true), v.description('`true`: requests are not signed, for public buckets')),
});

const schemas = {
  ssmParameter: parameterSchema,
  secretArn: secretSchema,
  roleArn: roleSchema,
  webIdentity: webIdentitySchema,
  anonymous: anonymousSchema,
} as const;

type Kind = keyof typeof schemas;
export type SideCredentials = v.InferOutput<(typeof schemas)[Kind]>;

const kinds = Object.keys(schemas) as Kind[];
const anyKind = v.union(Object.values(schemas), `expected an object with one of ${kinds.join(', ')}`);

/** The schema of the kind that the input names, so that faults concern that kind's fields only. */
export const credentialsSchema = v.lazy((input): v.GenericSchema<SideCredentials> => {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return anyKind;
  const named = kinds.filter((kind) => Object.hasOwn(input, kind));
  if (named.length === 1 && named[0] !== undefined) return schemas[named[0]];
  const found = named.length === 0 ? 'no kind of credentials' : `two kinds of credentials, ${named.join(' and ')}`;
  return v.pipe(
    v.custom<SideCredentials>(() => true),
    v.check(() => false, `found ${found}, expected exactly one of ${kinds.join(', ')}`),
  );
});
