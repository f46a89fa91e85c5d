import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { KiB } from '../../model/limits.ts';
import type { AnswerLimit } from './answer-limit.ts';
import { overdue, type Phase, type Times } from './overdue.ts';
import { attemptOf, type RequestKind, type SdkRequest } from './request.ts';

/**
 * Bytes handed to the socket at once. What it has not taken can be told only by the piece; and over TLS a piece is
 * encrypted as a whole, into memory.
 */
const piece = 256 * KiB;

export interface ExchangeSurroundings {
  readonly kind: RequestKind;
  readonly limit: AnswerLimit;
  readonly times: Times;
  /** milliseconds, by the clock of handler.ts, which leaves out time in which the process was held up */
  readonly now: () => number;
}

/** One request and its answer: sends the body, and knows where it stands. */
export class Exchange {
  readonly answer: Promise<IncomingMessage>;
  readonly #request: ClientRequest;
  readonly #surroundings: ExchangeSurroundings;
  readonly #attempt: number;
  readonly #isStream: boolean;
  #phase: Phase = 'queued';
  #phaseSince: number;
  #movedAt: number;
  #moved = 0;
  #socket: Socket | undefined;
  #response: IncomingMessage | undefined;
  #sentAt = 0;
  /** milliseconds in which the system took the body */
  #handedOver = 0;
  #onEnd: () => void = () => undefined;

  constructor(request: ClientRequest, sdk: SdkRequest, surroundings: ExchangeSurroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.#attempt = attemptOf(sdk);
    this.#isStream = sdk.body instanceof Readable;
    this.#phaseSince = this.#movedAt = surroundings.now();
    request.once('socket', (socket) => this.#begin(socket, sdk.protocol === 'https:'));
    request.once('finish', () => this.#sent());
    this.answer = new Promise((resolve, reject) => {
      request.once('response', (response) => {
        this.#answered(response);
        resolve(response);
      });
      // Stays: an error that comes after the answer must not be one that nobody listens to.
      request.on('error', (error) => {
        reject(error);
        this.#onEnd();
      });
      // Also without a word: so a request ends whose answer is a change of protocol. Who has an answer is not told.
      request.once('close', () => {
        reject(Object.assign(new Error('the connection was closed before an answer'), { code: 'ECONNRESET' }));
        this.#onEnd();
      });
    });
    this.#send(sdk.body);
  }

  /** Calls back once, when nothing of it is left to be watched. */
  onEnd(callback: () => void): void {
    this.#onEnd = callback;
  }

  /**
   * Looks how far it is, and ends it where it stands still.
   * @returns true where it was ended
   */
  look(): boolean {
    const { limit, times, now } = this.#surroundings;
    const time = now();
    const moved = (this.#socket?.bytesRead ?? 0) + (this.#socket?.bytesWritten ?? 0);
    if (moved !== this.#moved) this.#movedAt = time;
    this.#moved = moved;
    const answerLimit = limit.current(this.#attempt, this.#handedOver);
    const standing = { phase: this.#standing(), quiet: time - this.#movedAt, lasted: time - this.#phaseSince };
    const reason = overdue({ ...standing, answerLimit }, times);
    if (reason === undefined) return false;
    if (standing.phase === 'awaiting') limit.expired(answerLimit, this.#attempt);
    // A name by which the SDK knows that it may try again. A socket in this state is not used again.
    const error = Object.assign(new Error(`${reason}; the connection was closed`), { name: 'TimeoutError' });
    this.#response?.destroy(error);
    this.#request.destroy(error);
    this.#onEnd();
    return true;
  }

  #standing(): Phase {
    return this.#phase === 'sending' && this.#isStream && !this.#request.writableNeedDrain ? 'producing' : this.#phase;
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseSince = this.#movedAt = this.#surroundings.now();
  }

  #begin(socket: Socket, secure: boolean): void {
    this.#socket = socket;
    // One that is used again is connected.
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
      request.on('drain', () => (this.#movedAt = this.#surroundings.now()));
      // A body that breaks ends the request with its own error. To destroy the body is its owner's.
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
    if (bytes.length <= piece) {
      request.end(bytes);
      return;
    }
    let from = 0;
    const more = (): void => {
      this.#movedAt = this.#surroundings.now();
      // What was answered before it was sent is not sent any more.
      if (this.#response) return;
      let taken = true;
      while (taken && from + piece < bytes.length) {
        taken = request.write(bytes.subarray(from, from + piece));
        from += piece;
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
    this.#handedOver = this.#surroundings.now() - this.#phaseSince;
    this.#enter('awaiting');
  }

  #answered(response: IncomingMessage): void {
    const { kind, limit } = this.#surroundings;
    this.#response = response;
    if (this.#phase === 'awaiting') limit.answered(Date.now() - this.#sentAt);
    this.#enter('answering');
    if (kind === 'read' && (response.statusCode ?? 0) < 300) this.#onEnd();
    response.once('close', () => {
      this.#onEnd();
      // A request that was answered before it was sent: the rest is of no use, and the socket neither.
      if (!this.#request.writableFinished) this.#request.destroy();
    });
  }
}

function bytesOf(body: Uint8Array | ArrayBuffer | string): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
