import type { TaskName } from './sites.ts';

/** A process that a large object passes through, and that is killed. */
export interface Victim {
  readonly name: string;
  readonly site: 'lambda' | 'ec2' | 'whole';
  readonly task: TaskName;
  /** the function whose execution environment it is, or which process of the worker */
  readonly process: string;
}

export const victims: readonly Victim[] = [
  { name: 'copy-objects, the object in it', site: 'lambda', task: 'in-one', process: 'copy-objects' },
  { name: 'copy-objects, starting the execution', site: 'lambda', task: 'in-parts', process: 'copy-objects' },
  { name: 'plan-upload', site: 'lambda', task: 'in-parts', process: 'plan-upload' },
  { name: 'upload-parts', site: 'lambda', task: 'in-parts', process: 'upload-parts' },
  { name: 'check-upload', site: 'lambda', task: 'in-parts', process: 'check-upload' },
  { name: 'worker: a process', site: 'ec2', task: 'in-one', process: 'process' },
  { name: 'worker: the primary process', site: 'ec2', task: 'in-one', process: 'primary' },
  { name: 'npm run local', site: 'whole', task: 'in-parts', process: 'all' },
];
