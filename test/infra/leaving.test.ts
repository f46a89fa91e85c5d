import { describe, expect, it } from '@jest/globals';
import { evaluate } from '../../emulator/aws/iam/evaluate.ts';
import { account, policiesOfFunction } from '../support/policies.ts';
import { synthesize, type Template } from '../support/synthesize.ts';

/** What CloudFormation may do to the buckets of tasks that come and go, in the order in which it does it. */

const task = (name: string) => ({
  name,
  source: { bucket: `${name}-from` },
  destination: { bucket: `${name}-to` },
  events: 'create',
});
const templateOf = (names: readonly string[]): Template => synthesize({ configuration: { tasks: names.map(task) } });

type Resources = Template['Resources'];

/** The resources of a template that are deleted when it is replaced by another one, those first on which none depends. */
function deletions(old: Resources, next: Resources): string[] {
  const left = new Set(Object.keys(old).filter((id) => !(id in next)));
  const order: string[] = [];
  while (left.size > 0) {
    const free = [...left].filter((id) => ![...left].some((other) => other !== id && dependsOn(old, other, id)));
    if (free.length === 0) throw new Error(`a circle: ${[...left].join(', ')}`);
    // CloudFormation deletes them at the same time: what one of them needs may already be gone.
    free.sort((one, other) => Number(isPolicy(old, other)) - Number(isPolicy(old, one)));
    for (const id of free) left.delete(id);
    order.push(...free);
  }
  return order;
}

function isPolicy(resources: Resources, id: string): boolean {
  return resources[id]?.Type.startsWith('AWS::IAM::') === true;
}

function dependsOn(resources: Resources, id: string, other: string): boolean {
  return [resources[id]?.DependsOn ?? []].flat().includes(other);
}

/** May bucket-notifications change the notifications of `bucket`, with only these policies? */
function mayChange(bucket: string, templates: readonly Template[], ids: ReadonlySet<string>): boolean {
  const documents = templates.flatMap((template) =>
    policiesOfFunction(template, 'bucket-notifications').flatMap(({ id, document }) => (ids.has(id) ? [document] : [])),
  );
  return ['s3:GetBucketNotification', 's3:PutBucketNotification'].every(
    (action) =>
      evaluate(documents, {
        action,
        resource: `arn:aws:s3:::${bucket}`,
        context: { 'aws:ResourceAccount': account },
      }) === 'allowed',
  );
}

const names = (count: number, first = 0) => Array.from({ length: count }, (_, index) => `t${index + first}`);

describe('buckets that leave the configuration', () => {
  it.each([
    { title: 'one of three', before: names(3), after: names(2) },
    { title: 'the last one', before: names(1), after: [] },
    { title: 'all, for others', before: names(3), after: names(3, 10) },
    { title: 'many', before: names(50), after: names(5) },
  ])('have their notifications removed while it is allowed ($title)', ({ before, after }) => {
    const next = { ...task('none'), events: 'none' };
    const [old, now] = [templateOf(before), synthesize({ configuration: { tasks: [...after.map(task), next] } })];
    // Everything new is made before anything old is deleted; policies that stay have what the new template says.
    const present = new Set([...Object.keys(old.Resources), ...Object.keys(now.Resources)]);
    const removed: string[] = [];
    for (const id of deletions(old.Resources, now.Resources)) {
      const resource = old.Resources[id]!;
      if (resource.Type === 'Custom::BucketNotifications') {
        const { BucketName } = resource.Properties as { BucketName: string };
        const kept = new Set([...present].filter((other) => !(other in now.Resources)));
        expect([BucketName, mayChange(BucketName, [old], kept)]).toEqual([BucketName, true]);
        removed.push(BucketName);
      }
      present.delete(id);
    }
    const gone = before.filter((name) => !after.includes(name));
    expect(removed.sort()).toEqual(gone.map((name) => `${name}-from`).sort());
    // In the end nothing of them is allowed any more.
    for (const name of gone) expect(mayChange(`${name}-from`, [now], present)).toBe(false);
    for (const name of after) expect(mayChange(`${name}-from`, [now], present)).toBe(true);
  });

  it('keep the policies of a group until the group has been updated', () => {
    const [old, now] = [templateOf(names(120)), templateOf(names(119))];
    const groups = (template: Template) =>
      Object.entries(template.Resources).filter(([, { Type }]) => Type === 'Custom::BucketNotifications');
    expect(groups(old).map(([id]) => id)).toEqual(groups(now).map(([id]) => id));
    // An update of the group removes the bucket: old and new policies are attached meanwhile, and stay within the quota.
    const all = [old, now].flatMap((template) => policiesOfFunction(template, 'bucket-notifications'));
    const ids = new Set(all.map(({ id }) => id));
    expect(mayChange('t119-from', [old, now], ids)).toBe(true);
    expect(ids.size).toBeLessThanOrEqual(10);
    expect(mayChange('t119-from', [now], ids)).toBe(false);
  });

  it('leave the resources of the others as they are', () => {
    const [old, now] = [templateOf(names(3)), templateOf(names(2))];
    const custom = ({ Resources }: Template) =>
      Object.entries(Resources).filter(([, { Type }]) => Type === 'Custom::BucketNotifications');
    const kept = custom(now).map(([id, { Properties }]) => [id, Properties as unknown]);
    expect(custom(old).map(([id, { Properties }]) => [id, Properties as unknown])).toEqual(
      expect.arrayContaining(kept),
    );
  });
});
