/**
 * Where a request stands.
 * - `queued`: no socket is free. Others end, so this one begins: nothing to bound.
 * - `connecting`: TCP and TLS.
 * - `sending`: the socket takes the request's body, or does not.
 * - `producing`: the socket would take more, but what is sent is itself still being read from somewhere.
 * - `awaiting`: everything was sent, no byte of the answer is there.
 * - `answering`: an answer that is read whole before anybody sees it. An object's bytes belong to their reader.
 */
export type Phase = 'queued' | 'connecting' | 'sending' | 'producing' | 'awaiting' | 'answering';

/** Milliseconds. */
export interface Times {
  /** a connection with TLS may take: the third SYN of three that got lost leaves after 3 s, the fourth after 7 s */
  readonly connecting: number;
  /**
   * without the socket taking a byte of the body. The system says that it takes more only when a third of what it
   * buffers (4 MiB at most) has gone, so a steady 20 KB/s looks like a step a minute.
   */
  readonly sending: number;
  /** without a byte to send: over twice what the reader of the source waits for one (shared/flow/body.ts) */
  readonly producing: number;
  /** without a byte of an answer that has begun: what S3 and others send to keep a connection alive comes every 10 s */
  readonly answering: number;
  /** for such an answer altogether, however busy: what Lambda gives a call */
  readonly answer: number;
}

export const usualTimes: Times = {
  connecting: 10_000,
  sending: 120_000,
  producing: 75_000,
  answering: 60_000,
  answer: 15 * 60_000,
};

export interface Standing {
  readonly phase: Phase;
  /** milliseconds without progress in this phase */
  readonly quiet: number;
  /** milliseconds since the phase began */
  readonly lasted: number;
  /** milliseconds that the first byte of the answer may take now */
  readonly answerLimit: number;
}

/** Why a request is to be ended now; undefined while it may go on. */
export function overdue({ phase, quiet, lasted, answerLimit }: Standing, times: Times): string | undefined {
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

function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 9_950 ? 1 : 0)} s`;
}
