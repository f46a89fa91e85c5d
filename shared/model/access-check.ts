import type { Task } from './config/task.ts';

/**
 * The key at the destination under which a run begins and aborts an upload, to see whether it may write there. It never
 * becomes an object. The sweep knows it: should a process die between the two calls, the upload is the stack's own.
 */
export function accessCheckKey({ destination }: Pick<Task, 'destination'>): string {
  return `${destination.prefix}.s3-ferry-access-check`;
}
