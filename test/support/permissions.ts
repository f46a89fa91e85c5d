import { plain, resourcesOf, type Template } from './synthesize.ts';

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

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
        const condition = Condition === undefined ? '' : ` if ${JSON.stringify(plain(Condition))}`;
        const actions = found.get(`${String(one)}${condition}`) ?? new Set();
        for (const action of [Action].flat()) actions.add(action);
        found.set(`${String(one)}${condition}`, actions);
      }
    }
  }
  return Object.fromEntries([...found].sort().map(([resource, actions]) => [resource, [...actions].sort()]));
}
