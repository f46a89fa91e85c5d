import type { BucketNotifications } from '../notifications.ts';

/** A region of an account from which events must come if the stack is elsewhere. */
export interface EventPlace {
  readonly region: string;
  /** undefined for the stack's own account */
  readonly account?: string;
  /** the buckets there that must send events */
  readonly buckets: readonly BucketNotifications[];
}

/**
 * The places that tasks with events name. Where the stack will be is not known at synthesis: the place that turns out
 * to be its own region has nothing to do. A bucket whose task names no region is taken to be in the stack's.
 */
export function eventPlaces(buckets: readonly BucketNotifications[]): EventPlace[] {
  const named = buckets.flatMap(({ region, ...bucket }) => (region === undefined ? [] : [{ region, ...bucket }]));
  const places = Map.groupBy(named, ({ owner = '', region }) => `${owner} ${region}`);
  return [...places.values()].flatMap((some) => {
    const [first] = some;
    if (!first) return [];
    const { region, owner } = first;
    return [{ region, ...(owner !== undefined && { account: owner }), buckets: some }];
  });
}

/** The place in a name: `us-west-2`, `us-west-2-222233334444`. */
export function placeName({ account, region }: EventPlace): string {
  return account === undefined ? region : `${region}-${account}`;
}

/** Where infra/main.ts writes the template of a place, in the directory of the cloud assembly. */
export const sendersDirectory = 'events';

/** The name of the stack in a place, which sends the events to the stack `name`. */
export function senderStackName(name: string): string {
  return `${name}-events`;
}
