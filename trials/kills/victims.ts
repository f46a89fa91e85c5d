import type { TaskName } from './sites.ts';

/** A process that a large object passes through. */
export interface Victim {
  readonly name: string;
  readonly site: 'lambda' | 'ec2' | 'whole';
  readonly task: TaskName;
  /** the function whose environment it is, or which process of the worker */
  readonly victim: string;
}

export const victims: readonly Victim[] = [
  { name: 'copy-objects, the object in it', site: 'lambda', task: 'in-one', victim: 'copy-objects' },
  { name: 'copy-objects, starting the execution', site: 'lambda', task: 'in-parts', victim: 'copy-objects' },
  { name: 'plan-upload', site: 'lambda', task: 'in-parts', victim: 'plan-upload' },
  { name: 'upload-parts', site: 'lambda', task: 'in-parts', victim: 'upload-parts' },
  { name: 'check-upload', site: 'lambda', task: 'in-parts', victim: 'check-upload' },
  { name: 'worker: a process', site: 'ec2', task: 'in-one', victim: 'process' },
  { name: 'worker: the primary process', site: 'ec2', task: 'in-one', victim: 'primary' },
  { name: 'npm run local', site: 'whole', task: 'in-parts', victim: 'all' },
];
