/** The messages between a session and its thread. */

/** Bytes of the current input that the session can read after its thread has died. */
export const inputBytes = 64 * 1024;

export interface SessionData {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** cases so far (32 bits), length of the input (32 bits), the input */
  readonly beat: SharedArrayBuffer;
  readonly corpus: readonly Uint8Array[];
}

export type SessionMessage =
  | { readonly type: 'new'; readonly input: Uint8Array }
  | { readonly type: 'finding'; readonly what: string; readonly input: Uint8Array }
  | { readonly type: 'done'; readonly cases: number; readonly signatures: number; readonly slowest: number };
