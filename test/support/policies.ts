import type { PolicyDocument } from '../../emulator/aws/index.ts';
import { serviceName } from './permissions.ts';
import { plain, type Resource, type Template } from './synthesize.ts';

/** The account in which a template is thought to be deployed. */
export const account = '123456789012';
export const region = 'eu-west-1';

/** A policy of a role: its logical ID and its document, with everything resolved. */
export interface DeployedPolicy {
  readonly id: string;
  readonly document: PolicyDocument;
}

/** The policies of the role of a function, by its name in functions/, as they are deployed. */
export function policiesOfFunction(template: Template, name: string): DeployedPolicy[] {
  const found = Object.values(template.Resources).find(
    ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && serviceName(Properties) === name,
  );
  const [role = ''] = (found?.Properties as { Role: { 'Fn::GetAtt': string[] } }).Role['Fn::GetAtt'];
  return Object.entries(template.Resources).flatMap(([id, resource]) =>
    isPolicyOf(role, resource) ? [{ id, document: documentOf(resource) }] : [],
  );
}

function documentOf({ Properties }: Resource): PolicyDocument {
  return deployed((Properties as { PolicyDocument: unknown }).PolicyDocument) as PolicyDocument;
}

function isPolicyOf(role: string, { Type, Properties }: Resource): boolean {
  if (Type !== 'AWS::IAM::Policy' && Type !== 'AWS::IAM::ManagedPolicy') return false;
  return (Properties as { Roles: { Ref: string }[] }).Roles.some(({ Ref }) => Ref === role);
}

/** A value of a template with the pseudo parameters of one deployment. */
export function deployed(value: unknown): unknown {
  const text = JSON.stringify(plain(value))
    .replaceAll('<Partition>', 'aws')
    .replaceAll('<Region>', region)
    .replaceAll('<AccountId>', account)
    .replaceAll('<URLSuffix>', 'amazonaws.com');
  return JSON.parse(text);
}
