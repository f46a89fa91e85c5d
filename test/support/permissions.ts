import { plain, resourcesOf, type Template } from './synthesize.ts';

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** The condition that a bucket belongs to the stack's own account, in short. */
export const own = ' of <AccountId>';

/** Resource (with its condition, where there is one) -> actions, both sorted. */
export type Permissions = Readonly<Record<string, readonly string[]>>;

/** Each function's permissions, by the name it has in functions/. */
export function permissionsOf(template: Template): Readonly<Record<string, Permissions>> {
  return Object.fromEntries(
    resourcesOf(template, 'AWS::Lambda::Function').flatMap((resource) => {
      const name = serviceName(resource.Properties);
      const [role] = (resource.Properties as { Role: { 'Fn::GetAtt': string[] } }).Role['Fn::GetAtt'];
      return name === undefined ? [] : [[name, permissionsOfRole(template, role ?? '')]];
    }),
  );
}

/** The name that a function has in functions/; undefined for CDK's own. */
export function serviceName(properties: unknown): string | undefined {
  const { Environment } = properties as { Environment?: { Variables: Record<string, string> } };
  return Environment?.Variables['POWERTOOLS_SERVICE_NAME'];
}

/** The permissions of one role, by its logical ID. */
export function permissionsOfRole(template: Template, role: string): Permissions {
  const found = new Map<string, Set<string>>();
  // What does not fit into a role's own policy, CDK puts into managed ones.
  const kinds = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'];
  for (const { Properties } of kinds.flatMap((kind) => resourcesOf(template, kind))) {
    const { Roles, PolicyDocument } = Properties as {
      Roles: { Ref: string }[];
      PolicyDocument: { Statement: Statement[] };
    };
    if (!Roles.some(({ Ref }) => Ref === role)) continue;
    for (const { Action, Resource, Condition } of PolicyDocument.Statement) {
      for (const one of [plain(Resource)].flat()) {
        const condition = Condition === undefined ? '' : conditionInWords(plain(Condition));
        const actions = found.get(`${String(one)}${condition}`) ?? new Set();
        for (const action of [Action].flat()) actions.add(action);
        found.set(`${String(one)}${condition}`, actions);
      }
    }
  }
  return Object.fromEntries([...found].sort().map(([resource, actions]) => [resource, [...actions].sort()]));
}

/** ` of ACCOUNT`, ` if {...}`, or both. */
function conditionInWords(condition: unknown): string {
  const { StringEquals = {}, ...others } = condition as Record<string, Record<string, unknown>>;
  const { 'aws:ResourceAccount': account, ...equals } = StringEquals;
  const rest = { ...(Object.keys(equals).length > 0 && { StringEquals: equals }), ...others };
  const owner = account === undefined ? '' : ` of ${account as string}`;
  return owner + (Object.keys(rest).length > 0 ? ` if ${JSON.stringify(rest)}` : '');
}

/** Any key of `region`, for the objects of `buckets`, in calls of S3; or the `key` that is named. */
export function keyFor(buckets: readonly string[], region = '<Region>', key?: string, more: object = {}): string {
  const condition = {
    StringEquals: { 'kms:ViaService': `s3.${region}.<URLSuffix>` },
    ...more,
    StringLike: {
      'kms:EncryptionContext:aws:s3:arn': buckets.flatMap((name) => [`arn:*:s3:::${name}`, `arn:*:s3:::${name}/*`]),
    },
  };
  return `${key ?? `arn:<Partition>:kms:${region}:*:key/*`} if ${JSON.stringify(condition)}`;
}
