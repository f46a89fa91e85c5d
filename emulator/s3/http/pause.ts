import type { IncomingMessage } from 'node:http';
import { ConnectionLost } from './connection-lost.ts';

/** Waits until the client disconnects. @throws ConnectionLost when it does */
export async function clientGone({ socket }: IncomingMessage): Promise<never> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  throw new ConnectionLost('the client disconnected');
}

/** Waits. @throws ConnectionLost if the client disconnects first */
export async function pause({ socket }: IncomingMessage, millis: number): Promise<void> {
  if (socket.destroyed) throw new ConnectionLost('the client disconnected');
  await new Promise<void>((resolve, reject) => {
    const lost = (): void => {
      clearTimeout(timer);
      reject(new ConnectionLost('the client disconnected'));
    };
    const timer = setTimeout(() => {
      socket.off('close', lost);
      resolve();
    }, millis);
    socket.once('close', lost);
  });
}
