import { isFault } from '../../model/faults.ts';
import { lossTable, type LossKind } from '../../model/losses.ts';
import type { ObjectAttributes } from '../../model/object.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { PartContext } from '../context.ts';
import type { Losses } from '../losses.ts';

/** What a store may not implement, and a copy can do without. */
const optional = {
  tags: {
    isIn: ({ tags }: ObjectAttributes) => Object.keys(tags).length > 0,
    without: (attributes: ObjectAttributes) => ({ ...attributes, tags: {} }),
  },
  websiteRedirect: {
    isIn: ({ headers }: ObjectAttributes) => headers.websiteRedirect !== undefined,
    without: ({ headers: { websiteRedirect: _left, ...headers }, ...rest }: ObjectAttributes) => ({ ...rest, headers }),
  },
} as const satisfies Partial<Record<LossKind, unknown>>;

type Optional = keyof typeof optional;

/** How long a store is believed not to implement something: it may be updated while a worker runs. */
const believedMillis = 10 * 60_000;

/** By store and kind: until when, in milliseconds since the epoch. */
const refused = new WeakMap<ObjectStore, Map<Optional, number>>();

/**
 * Writes with the attributes, and again without some if the destination says that it does not implement them: a loss.
 * What it refused a short while ago is not sent. A refusal for any other reason is the caller's.
 * @param attributes passed to `write`, all or some of them
 * @throws Fault `AttributeLost` if the task is strict
 */
export async function withSupported<Result>(
  { destination, clock }: PartContext,
  losses: Losses,
  attributes: ObjectAttributes,
  write: (attributes: ObjectAttributes) => Promise<Result>,
): Promise<Result> {
  const known = refused.get(destination) ?? new Map<Optional, number>();
  refused.set(destination, known);
  const present = (Object.keys(optional) as Optional[]).filter((kind) => optional[kind].isIn(attributes));
  const believed = present.filter((kind) => (known.get(kind) ?? -Infinity) > clock.now());
  const reason = (kinds: readonly Optional[]): string =>
    `the destination does not implement ${kinds.map((kind) => lossTable[kind].what).join(' or ')}`;
  for (const kind of believed) losses.note(kind, reason([kind]));
  const sent = without(attributes, believed);
  try {
    return await write(sent);
  } catch (error) {
    const left = present.filter((kind) => !believed.includes(kind));
    const [first] = left;
    if (!isFault(error, 'NotSupported') || first === undefined) throw error;
    losses.expect(first, reason(left));
    // The store does not say which it means: each alone, then all of them.
    for (const kinds of [...left.map((kind) => [kind]), ...(left.length > 1 ? [left] : [])]) {
      try {
        const result = await write(without(sent, kinds));
        for (const kind of kinds) {
          losses.note(kind, reason([kind]));
          known.set(kind, clock.now() + believedMillis);
        }
        return result;
      } catch (again) {
        if (!isFault(again, 'NotSupported')) throw again;
      }
    }
    throw error;
  }
}

function without(attributes: ObjectAttributes, kinds: readonly Optional[]): ObjectAttributes {
  return kinds.reduce<ObjectAttributes>((rest, kind) => optional[kind].without(rest), attributes);
}
