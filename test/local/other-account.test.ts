import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { otherAccount } from '../../local/run/other-account.ts';
import { localNames } from '../../local/run/settings.ts';
import { taskOf } from '../support/tasks.ts';

/** The far side of local runs has the permissions that the guide asks for, so that each run tries them. */

interface Policy {
  readonly Statement: readonly { readonly Effect: string; readonly Action: unknown; readonly Resource: string }[];
}

/** The bucket policies of the guide, without their principals: first that of a destination, then that of a source. */
function policiesOfGuide(): Policy[] {
  const guide = readFileSync('docs/deployment.md', 'utf8');
  const section = guide.slice(guide.indexOf('## Permissions on the other account'));
  return [...section.matchAll(/```json\n(.*?)```/gs)]
    .slice(0, 2)
    .map(
      ([, text = '']) =>
        JSON.parse(text, (key, value: unknown) =>
          key === 'Principal' || key === 'Version' ? undefined : typeof value === 'string' ? local(value) : value,
        ) as Policy,
    );
}

function local(text: string): string {
  return text
    .replace('PARTITION', 'aws')
    .replace('DESTINATION', 'into')
    .replace('SOURCE', 'from')
    .replace('PREFIX', 'in/');
}

it('grants the other account what the guide does', () => {
  const [destination, source] = policiesOfGuide();
  const credentials = { ssmParameter: localNames.credentialsParameter };
  const there = taskOf({ destination: { bucket: 'into', prefix: 'in/', credentials } });
  const here = taskOf({ source: { bucket: 'from', prefix: 'in/', credentials } });
  expect(otherAccount([there]).policy).toEqual(destination);
  expect(otherAccount([here]).policy).toEqual(source);
});
