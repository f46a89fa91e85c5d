import type { IncomingMessage } from 'node:http';
import { ConnectionLost } from './connection-lost.ts';

/** Waits until the client has gone away. @throws ConnectionLost then */
export async function clientGone({ socket }: IncomingMessage): Promise<never> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  throw new ConnectionLost('The client went away');
}

/** Waits for so long. @throws ConnectionLost where the client goes away first */
export async function pause({ socket }: IncomingMessage, milliseconds: number): Promise<void> {
  if (socket.destroyed) throw new ConnectionLost('The client went away');
  await new Promise<void>((resolve, reject) => {
    const lost = (): void => {
      clearTimeout(timer);
      reject(new ConnectionLost('The client went away'));
    };
    const timer = setTimeout(() => {
      socket.off('close', lost);
      resolve();
    }, milliseconds);
    socket.once('close', lost);
  });
}
