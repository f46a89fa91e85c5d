import { expect } from '@jest/globals';
import type { Statement } from '../../aws/iam/policy.ts';
import type { OpenAccount } from './account.ts';

/** A permission that a request needs. */
export type Need = readonly [action: string, resource: string, condition?: Statement['Condition']];

/** A request, with all permissions that it needs. */
export interface Row<Client> {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly run: (client: Client) => Promise<unknown>;
}

export function allow([Action, Resource, Condition]: Need): Statement {
  return { Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) };
}

/** The error of a request; undefined if it succeeds. */
export async function errorOf(request: () => Promise<unknown>): Promise<Error | undefined> {
  try {
    await request();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Sends a request without each permission that it needs, which must be refused, and then with all of them. */
export async function refusedWithout<Client extends { destroy: () => void }>(
  account: OpenAccount,
  Client: Parameters<typeof account.client<Client>>[0],
  { needs, run }: Row<Client>,
): Promise<void> {
  for (const missing of needs) {
    const client = account.client(Client, needs.filter((need) => need !== missing).map(allow));
    const error = await errorOf(() => run(client));
    expect([missing[0], error?.name]).toEqual([
      missing[0],
      expect.stringMatching(/^(AccessDenied|AccessDeniedException|Unknown)$/),
    ]);
    // The answer to a HEAD has no text.
    if (error?.name !== 'Unknown')
      expect(error?.message.toLowerCase()).toContain(`perform: ${missing[0].toLowerCase()} `);
  }
  expect(await errorOf(() => run(account.client(Client, needs.map(allow))))).toBeUndefined();
}
