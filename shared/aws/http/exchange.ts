import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { KiB } from '../../model/limits.ts';
import type { AnswerLimit } from './answer-limit.ts';
import { overdue, type Phase, type Times } from './overdue.ts';
import { attemptOf, type RequestKind, type SdkRequest } from './request.ts';

/**
 * Bytes handed to the socket at once. Progress is only visible per piece, and TLS encrypts a whole piece into memory.
 */
const pieceBytes = 256 * KiB;

export interface ExchangeContext {
  readonly kind: RequestKind;
  readonly limit: AnswerLimit;
  readonly times: Times;
  /** milliseconds, by the clock of handler.ts, which leaves out time in which the process was held up */
  readonly now: () => number;
}

/** One request and its answer: sends the body and knows in which phase it is. */
export class Exchange {
  readonly answer: Promise<IncomingMessage>;
  readonly #request: ClientRequest;
  readonly #context: ExchangeContext;
  readonly #attempt: number;
  readonly #isStream: boolean;
  #phase: Phase = 'queued';
  #phaseSince: number;
  #movedAt: number;
  #moved = 0;
  #socket: Socket | undefined;
  #response: IncomingMessage | undefined;
  #sentAt = 0;
  /** how long the system took to accept the body */
  #handOverMillis = 0;
  #onEnd: () => void = () => undefined;

  constructor(request: ClientRequest, sdk: SdkRequest, context: ExchangeContext) {
    this.#request = request;
    this.#context = context;
    this.#attempt = attemptOf(sdk);
    this.#isStream = sdk.body instanceof Readable;
    this.#phaseSince = this.#movedAt = context.now();
    request.once('socket', (socket) => this.#begin(socket, sdk.protocol === 'https:'));
    request.once('finish', () => this.#sent());
    this.answer = new Promise((resolve, reject) => {
      request.once('response', (response) => {
        this.#answered(response);
        resolve(response);
      });
      // This listener stays: an error after the answer must not be an unhandled one.
      request.on('error', (error) => {
        reject(error);
        this.#onEnd();
      });
      // A request can close without an error, for example if the answer changes the protocol. After an answer,
      // rejecting has no effect.
      request.once('close', () => {
        reject(Object.assign(new Error('the connection was closed before an answer'), { code: 'ECONNRESET' }));
        this.#onEnd();
      });
    });
    this.#send(sdk.body);
  }

  /** Calls back when the exchange is over, or no longer bounded. May call back more than once. */
  onEnd(callback: () => void): void {
    this.#onEnd = callback;
  }

  /**
   * Ends the exchange if its phase has taken too long.
   * @returns true if it was ended
   */
  endIfOverdue(): boolean {
    const { limit, times, now } = this.#context;
    const time = now();
    const moved = (this.#socket?.bytesRead ?? 0) + (this.#socket?.bytesWritten ?? 0);
    if (moved !== this.#moved) this.#movedAt = time;
    this.#moved = moved;
    const answerLimit = limit.current(this.#attempt, this.#handOverMillis);
    const phase = this.#currentPhase();
    const state = { phase, quiet: time - this.#movedAt, lasted: time - this.#phaseSince, answerLimit };
    const reason = overdue(state, times);
    if (reason === undefined) return false;
    if (phase === 'awaiting') limit.expired(answerLimit, this.#attempt);
    // The SDK retries errors of this name. A destroyed socket is not used again.
    const error = Object.assign(new Error(`${reason}; the connection was closed`), { name: 'TimeoutError' });
    this.#response?.destroy(error);
    this.#request.destroy(error);
    this.#onEnd();
    return true;
  }

  #currentPhase(): Phase {
    return this.#phase === 'sending' && this.#isStream && !this.#request.writableNeedDrain ? 'producing' : this.#phase;
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseSince = this.#movedAt = this.#context.now();
  }

  #begin(socket: Socket, secure: boolean): void {
    this.#socket = socket;
    // A socket that is used again is connected already.
    if (this.#request.reusedSocket || !socket.connecting) this.#enter('sending');
    else {
      this.#enter('connecting');
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        if (this.#phase === 'connecting') this.#enter('sending');
      });
    }
  }

  #send(body: SdkRequest['body']): void {
    const request = this.#request;
    if (body instanceof Readable) {
      request.on('drain', () => (this.#movedAt = this.#context.now()));
      // A body that breaks ends the request with its own error. Its owner destroys it.
      body.once('error', (error) => request.destroy(error));
      body.once('close', () => {
        if (!body.readableEnded) request.destroy(body.errored ?? new Error('the body ended too early'));
      });
      body.pipe(request);
      return;
    }
    if (body === undefined) {
      request.end();
      return;
    }
    const bytes = bytesOf(body);
    if (bytes.length <= pieceBytes) {
      // In one packet with the headers, but not by `end` alone: that makes Node read Content-Disposition as UTF-8.
      request.cork();
      request.write(bytes);
      request.end();
      return;
    }
    let from = 0;
    const more = (): void => {
      this.#movedAt = this.#context.now();
      // A request that is answered already is not sent to its end.
      if (this.#response) return;
      let taken = true;
      while (taken && from + pieceBytes < bytes.length) {
        taken = request.write(bytes.subarray(from, from + pieceBytes));
        from += pieceBytes;
      }
      if (!taken) return;
      request.off('drain', more);
      request.end(bytes.subarray(from));
    };
    request.on('drain', more);
    more();
  }

  #sent(): void {
    if (this.#response) return;
    this.#sentAt = Date.now();
    this.#handOverMillis = this.#context.now() - this.#phaseSince;
    this.#enter('awaiting');
  }

  #answered(response: IncomingMessage): void {
    const { kind, limit } = this.#context;
    this.#response = response;
    if (this.#phase === 'awaiting') limit.answered(Date.now() - this.#sentAt);
    this.#enter('answering');
    if (kind === 'read' && (response.statusCode ?? 0) < 300) this.#onEnd();
    response.once('close', () => {
      this.#onEnd();
      // Answered before it was sent: the rest of the body, and the socket, are of no more use.
      if (!this.#request.writableFinished) this.#request.destroy();
    });
  }
}

function bytesOf(body: Uint8Array | ArrayBuffer | string): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
