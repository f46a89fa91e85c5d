import type { Segment } from '../model/messages/payloads.ts';
import { characterAt, commonLength, highest, wholeCharacters } from './key-text.ts';
import type { KnownKeys } from './known-keys.ts';
import { compareKeys } from './order.ts';

export interface CutLimits {
  /** pieces to cut the range into, at most */
  readonly pieces: number;
  /** listing calls, at most */
  readonly probes: number;
}

/**
 * Bytes of the longest place to cut at. S3's keys have 1,024; with the run's prefix before it, it must not be longer,
 * and all of a round's ranges have to fit into a state of the machine.
 */
const maxCutBytes = 512;

/** Looks at a piece, one after the other. Two or three for each place where its keys differ are usual. */
const maxWaves = 60;

/** A piece of a range, and what is known of its keys. */
interface Piece {
  /** it has the keys k with after < k <= until */
  readonly after: string | undefined;
  readonly until: string | undefined;
  /** no key of the piece is below; it is a key, or looks like one */
  readonly low: string;
  /** the keys above are fewer than a probe returns; by default `until` */
  readonly top: string | undefined;
  /** the keys turned out not to differ where they seemed to: it has to be found out where they do */
  readonly isUnclear: boolean;
}

/** Where to look next for a place to cut a piece. */
interface Look {
  readonly at: string;
  /** is it a place to cut at? Otherwise it only tells where keys differ */
  readonly halves: boolean;
}

/**
 * Cuts a range of keys into pieces of which none is empty, with few listings. It looks for the first place at which
 * the keys of the range differ, halves the characters that occur there, and does the same with each half, breadth
 * first. How many keys a piece has is not known: what turns out to be long is cut again after the next round.
 * @param low no key of the range is below it: the last key that was searched, for example
 * @returns the pieces in order; together they are the range
 */
export async function cutRange(
  known: KnownKeys,
  { after, until, low }: Segment & { readonly low: string },
  { pieces, probes }: CutLimits,
): Promise<Segment[]> {
  const mayProbe = known.budget(probes);
  let open: Piece[] = [{ after, until, low, top: until, isUnclear: false }];
  const closed: Piece[] = [];
  for (let waves = 0; waves < maxWaves && mayProbe(); waves++) {
    if (open.length === 0 || open.length + closed.length >= pieces) break;
    const wave = open.slice(0, pieces - open.length - closed.length);
    const results = await Promise.all(wave.map((piece) => split(known, piece)));
    // Pieces that were not split yet come first.
    const again = results.filter(({ length }) => length === 1).flat();
    const halves = results.filter(({ length }) => length === 2).flat();
    const all = [...again, ...open.slice(wave.length), ...halves];
    open = all.filter((piece) => nextLook(known, piece) !== undefined);
    closed.push(...all.filter((piece) => !open.includes(piece)));
  }
  const all = [...open, ...closed].sort((a, b) => compareBounds(a.after, b.after));
  // What was not cut needs no other end.
  const whole = { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
  return all.length === 1 ? [whole] : tightened(all);
}

/** Moves the end of each piece to where its keys end, so that the next cut does not have to find that out again. */
function tightened(pieces: readonly Piece[]): Segment[] {
  const ends = pieces.flatMap(({ top, until }, index) =>
    index < pieces.length - 1 || top === until ? [top] : [top, until],
  );
  return ends.map((until, index) => {
    const after = index === 0 ? pieces[0]?.after : ends[index - 1];
    return { ...(after !== undefined && { after }), ...(until !== undefined && { until }) };
  });
}

/** @returns undefined if the piece cannot be cut */
function nextLook(known: KnownKeys, piece: Piece): Look | undefined {
  const look = lookWithin(known, piece);
  if (!look || Buffer.byteLength(look.at) > maxCutBytes) return undefined;
  // Only keys with the highest character, which is none, lead there.
  return isBelow(look.at, piece.top) && compareKeys(piece.low, look.at) <= 0 ? look : undefined;
}

function lookWithin(known: KnownKeys, { low, top, isUnclear }: Piece): Look | undefined {
  if (top !== undefined && compareKeys(low, top) >= 0) return undefined;
  const common = commonLength(low, top);
  const differing = known.differsAt(low, top);
  const depth = isUnclear ? (common + differing + 1) >> 1 : known.probablyDiffersAt(low, common, differing);
  if (depth > common) return { at: low.slice(0, wholeCharacters(low, depth)) + highest, halves: false };
  const lowest = characterAt(low, common);
  const end = top === undefined ? highest : (characterAt(top, common) ?? highest);
  const character = middle(known, lowest, end);
  return character === undefined ? undefined : { at: low.slice(0, common) + character + highest, halves: true };
}

/** One look at a piece. @returns two pieces if it was cut, otherwise one of which more is known */
async function split(known: KnownKeys, piece: Piece): Promise<Piece[]> {
  const look = nextLook(known, piece);
  if (!look) return [piece];
  const { first, more } = await known.after(look.at);
  const { low, top, until } = piece;
  const [found, last] = [first[0], first.at(-1)];
  const isSmall =
    found === undefined || last === undefined || !more || (until !== undefined && compareKeys(last, until) > 0);
  if (isSmall) {
    const isUnclear = known.differsAt(low, look.at) > commonLength(low, look.at) && (look.halves || piece.isUnclear);
    return [{ ...piece, top: look.at, isUnclear }];
  }
  if (!look.halves) return [{ ...piece, isUnclear: commonLength(low, found) > commonLength(low, top) }];
  return [
    { ...piece, until: look.at, top: look.at, isUnclear: false },
    { ...piece, after: look.at, low: found, isUnclear: false },
  ];
}

/** The middle one of the known characters c with lowest <= c < end. */
function middle(known: KnownKeys, lowest: string | undefined, end: string): string | undefined {
  const all = known.charactersBetween(lowest ?? '', end);
  const [first] = all;
  if (first === undefined) return lowest === undefined || compareKeys(lowest, end) >= 0 ? undefined : lowest;
  // Nothing is known of the upper end: digits follow digits, and letters letters.
  const kind = kindOf(lowest ?? first);
  const alike = end === highest ? all.filter((some) => kindOf(some) === kind) : all;
  return alike[(alike.length - 1) >> 1];
}

function kindOf(character: string): string {
  if (/[0-9]/.test(character)) return 'digit';
  if (/[a-z]/.test(character)) return 'lower';
  return /[A-Z]/.test(character) ? 'upper' : 'other';
}

function compareBounds(a: string | undefined, b: string | undefined): number {
  return a === undefined || b === undefined ? Number(a !== undefined) - Number(b !== undefined) : compareKeys(a, b);
}

function isBelow(key: string, bound: string | undefined): boolean {
  return bound === undefined || compareKeys(key, bound) < 0;
}
