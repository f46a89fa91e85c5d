/**
 * The phase of a request.
 * - `queued`: no socket is free, or a tunnel through a proxy is being opened (tunnel.ts). The other requests and the
 *   tunnel are bounded, so this needs no bound.
 * - `connecting`: TCP and TLS.
 * - `sending`: the request's body is being handed to the socket.
 * - `producing`: the socket would accept more, but the body is a stream that has no bytes ready.
 * - `awaiting`: everything was sent, and no byte of the answer has arrived.
 * - `answering`: an answer that is buffered whole is arriving. Object bodies stream to the caller, which bounds them.
 */
export type Phase = 'queued' | 'connecting' | 'sending' | 'producing' | 'awaiting' | 'answering';

/** How long each phase may take, in milliseconds. */
export interface Times {
  /** in all, TLS included: TCP sends its third SYN after 3 s, and the fourth after 7 s */
  readonly connecting: number;
  /**
   * without the socket accepting a byte of the body. The system reports room only when a third of its buffer (4 MiB at
   * most) is free, so a steady 20 KB/s looks like one step per minute
   */
  readonly sending: number;
  /** without a byte to send: over twice as long as the reader of the source waits for one (shared/flow/body.ts) */
  readonly producing: number;
  /** without a byte of an answer that has begun: S3 and others send a byte every 10 s to keep a connection open */
  readonly answering: number;
  /** for such an answer in all, whatever its progress: Lambda's limit for a call */
  readonly answer: number;
}

export const usualTimes: Times = {
  connecting: 10_000,
  sending: 120_000,
  producing: 75_000,
  answering: 60_000,
  answer: 15 * 60_000,
};

/** The progress of a request in its current phase. */
export interface PhaseState {
  readonly phase: Phase;
  /** milliseconds without progress */
  readonly quiet: number;
  /** milliseconds since the phase began */
  readonly lasted: number;
  /** milliseconds that the first byte of the answer may take */
  readonly answerLimit: number;
}

/** The reason to end a request now; undefined if it may continue. */
export function overdue({ phase, quiet, lasted, answerLimit }: PhaseState, times: Times): string | undefined {
  switch (phase) {
    case 'queued':
      return undefined;
    case 'connecting':
      return lasted > times.connecting ? `no connection within ${inSeconds(times.connecting)}` : undefined;
    case 'sending':
      return quiet > times.sending ? `no byte of the request was taken for ${inSeconds(times.sending)}` : undefined;
    case 'producing':
      return quiet > times.producing ? `no byte came to be sent for ${inSeconds(times.producing)}` : undefined;
    case 'awaiting':
      return lasted > answerLimit ? `no answer within ${inSeconds(answerLimit)}` : undefined;
    case 'answering':
      if (lasted > times.answer) return `the answer did not end within ${inSeconds(times.answer)}`;
      return quiet > times.answering ? `no byte of the answer came for ${inSeconds(times.answering)}` : undefined;
  }
}

/** Seconds in a message. */
export function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 9_950 ? 1 : 0)} s`;
}
