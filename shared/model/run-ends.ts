import * as v from 'valibot';

/** How the objects of a run's jobs ended, counted without counting any twice. */

/** How a job ended: its route if it succeeded. */
export const endKinds = ['put', 'multipart', 'server-side copy', 'skip', 'delete', 'failed', 'cancelled'] as const;
export type EndKind = (typeof endKinds)[number];

/** The end of one object in one run. */
export interface End {
  readonly kind: EndKind;
  /** bytes copied; 0 unless it was copied */
  readonly bytes: number;
}

export const endsSchema = v.object({
  put: v.number(),
  multipart: v.number(),
  'server-side copy': v.number(),
  skip: v.number(),
  delete: v.number(),
  failed: v.number(),
  cancelled: v.number(),
  bytes: v.number(),
});

/** Objects by how they ended, and the bytes of those that were copied. A change of it may be negative. */
export type Ends = Readonly<v.InferOutput<typeof endsSchema>>;

export const noEnds: Ends = {
  put: 0,
  multipart: 0,
  'server-side copy': 0,
  skip: 0,
  delete: 0,
  failed: 0,
  cancelled: 0,
  bytes: 0,
};

/** The sum of two counts, field by field. */
export function addEnds(a: Ends, b: Partial<Ends>): Ends {
  return combined(a, b, (one, other) => one + other);
}

/** What `a` has more than `b`, field by field. */
export function subtractEnds(a: Ends, b: Ends): Ends {
  return combined(a, b, (one, other) => one - other);
}

function combined(a: Ends, b: Partial<Ends>, combine: (one: number, other: number) => number): Ends {
  const result: Record<EndKind | 'bytes', number> = { ...a };
  for (const name of [...endKinds, 'bytes'] as const) result[name] = combine(a[name], b[name] ?? 0);
  return result;
}

/** Objects that have ended, in whatever way. */
export function endedOf(ends: Ends): number {
  return endKinds.reduce((sum, kind) => sum + ends[kind], 0);
}

/** Objects that were copied, by any route. */
export function copiedOf(ends: Ends): number {
  return ends.put + ends.multipart + ends['server-side copy'];
}

/** What the end of an object depends on, of its entry in the ledger (ledger-entry.ts). */
interface EndingEntry {
  readonly status: 'STARTED' | 'DONE' | 'FAILED' | 'SKIPPED' | 'DELETED';
  readonly route?: string;
  readonly size?: number;
}

/** The end that an entry describes; undefined if it describes none. A failure is one only if no attempt is left. */
export function endOfEntry({ status, route, size = 0 }: EndingEntry): End | undefined {
  switch (status) {
    case 'STARTED':
      return undefined;
    case 'DONE':
      return { kind: route === 'multipart' || route === 'server-side copy' ? route : 'put', bytes: size };
    case 'SKIPPED':
      return { kind: 'skip', bytes: 0 };
    case 'DELETED':
      return { kind: 'delete', bytes: 0 };
    case 'FAILED':
      return { kind: 'failed', bytes: 0 };
  }
}

/**
 * What an object's item says of the run that counted it last: `<run>#<kind>#<bytes>`. With it a count telescopes: what
 * is added to a run's counts is the new end less the one that the item had, so that they are right however often, and
 * in whatever order, the object's job is delivered.
 */
export function encodeCounted(run: string, { kind, bytes }: End): string {
  return `${run}#${kind}#${bytes}`;
}

/** The end that the text says an object had in this run; undefined if it says none, as one of another run does. */
export function decodeCounted(text: unknown, run: string): End | undefined {
  if (typeof text !== 'string' || !text.startsWith(`${run}#`)) return undefined;
  const [name, bytes, ...more] = text.slice(run.length + 1).split('#');
  const kind = endKinds.find((one) => one === name);
  if (kind === undefined || more.length > 0 || !/^\d+$/.test(bytes ?? '')) return undefined;
  return { kind, bytes: Number(bytes) };
}

/** Does this end stand against later ones but a failure? A second delivery finds the object there, and skips it. */
export function isLasting(end: End | undefined): boolean {
  return end !== undefined && end.kind !== 'failed' && end.kind !== 'cancelled';
}

/** An object's end in a run that was not counted before, or as another one. */
export interface EndChange {
  readonly task: string;
  readonly run: string;
  /** the source's */
  readonly key: string;
  /** as what it was counted before */
  readonly before?: End;
  readonly end: End;
  /** from its first request to its end; absent if that is not known */
  readonly tookMillis?: number;
}

/** What a change adds to the counts of its run. */
export function deltaOf({ before, end }: Pick<EndChange, 'before' | 'end'>): Ends {
  const added = addEnds(noEnds, { [end.kind]: 1, bytes: end.bytes });
  return before ? subtractEnds(added, addEnds(noEnds, { [before.kind]: 1, bytes: before.bytes })) : added;
}

export const slowCopySchema = v.object({ key: v.string(), tookMillis: v.number(), bytes: v.number() });

/** A copy that took long. */
export type SlowCopy = Readonly<v.InferOutput<typeof slowCopySchema>>;
