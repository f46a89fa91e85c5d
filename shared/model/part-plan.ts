/**
 * How an object is cut into parts: every part has `partSize` bytes but the last, which has the rest. A plan is bound
 * to the source version it was made for; nothing of it is stored but these numbers.
 */
export interface PartPlan {
  /** bytes of the whole object */
  readonly size: number;
  /** bytes of every part but the last */
  readonly partSize: number;
  readonly partCount: number;
  /** true where the plan is the source's own layout, so that the two ETags come out equal */
  readonly sourceLayout: boolean;
}

/** One part: its number (from 1) and the bytes [start, end) of the object. */
export interface Part {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** A part that a store has. */
export interface StoredPart {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  /** base64, of the upload's algorithm, where it has one */
  readonly checksum?: string;
}

/** A part as ListParts shows it. */
export interface ListedPart extends StoredPart {
  /** when it was stored, milliseconds since the epoch; 0 where the store does not say */
  readonly modified: number;
}

/** Consecutive part numbers, both ends included. */
export type PartRange = readonly [first: number, last: number];
