/**
 * How an object is cut into parts: every part has `partSize` bytes except the last, which has the rest. A plan is bound
 * to the source version that it was made for; only these numbers of it are stored.
 */
export interface PartPlan {
  /** bytes of the whole object */
  readonly size: number;
  /** bytes of every part except the last */
  readonly partSize: number;
  readonly partCount: number;
  /** true if the plan is the source's own layout, which makes the two ETags equal */
  readonly sourceLayout: boolean;
}

/** One part: its number (from 1) and the bytes [start, end) of the object. */
export interface Part {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** A part that a store has stored. */
export interface StoredPart {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  /** base64, of the upload's algorithm, if it has one */
  readonly checksum?: string;
}

/** A part as ListParts returns it. */
export interface ListedPart extends StoredPart {
  /** when it was stored, in milliseconds since the epoch; 0 if the store does not say */
  readonly modified: number;
}

/** Consecutive part numbers, both ends included. */
export type PartRange = readonly [first: number, last: number];
