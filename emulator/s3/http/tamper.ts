import type { IncomingMessage } from 'node:http';
import type { Call } from '../call.ts';
import type { Fault } from '../options.ts';
import { ConnectionLost } from './connection-lost.ts';
import { clientGone, pause } from './pause.ts';
import type { TamperWithAnswer } from './respond.ts';

/** Applies a fault to the body of a request. */
export function tamperWithBody(fault: Fault | undefined, req: IncomingMessage): Call['tamper'] {
  if (fault?.kind === 'corrupt-body') return (piece, at) => corrupted(piece, fault.atByte - at);
  if (fault?.kind === 'trickle-body') {
    return async (piece) => {
      await pause(req, (piece.length / fault.bytesPerSecond) * 1000);
      return piece;
    };
  }
  if (fault?.kind !== 'reset-body' && fault?.kind !== 'stall-body') return undefined;
  return (piece, at) => {
    if (at + piece.length <= fault.afterBytes) return piece;
    if (fault.kind === 'stall-body') return clientGone(req);
    throw new ConnectionLost('an injected fault reset the connection in the body');
  };
}

/** Applies a fault to the body of an answer. */
export function tamperWithAnswer(fault: Fault | undefined, req: IncomingMessage): TamperWithAnswer | undefined {
  if (fault?.kind === 'corrupt-answer') {
    return (piece, at) => Promise.resolve({ send: corrupted(piece, fault.atByte - at) });
  }
  if (fault?.kind === 'trickle') {
    return async (piece) => {
      await pause(req, (piece.length / fault.bytesPerSecond) * 1000);
      return { send: piece };
    };
  }
  if (fault?.kind !== 'truncate') return undefined;
  return async (piece, at) => {
    const room = Math.max(0, fault.afterBytes - at);
    if (piece.length < room) return { send: piece };
    await pause(req, fault.stallMillis ?? 0);
    return { send: piece.subarray(0, room), end: true };
  };
}

function corrupted(piece: Buffer, at: number): Buffer {
  if (at < 0 || at >= piece.length) return piece;
  const copy = Buffer.from(piece);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
