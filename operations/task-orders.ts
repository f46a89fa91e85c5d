import {
  cancel,
  orderOf,
  pause,
  resume,
  sides,
  type Breaker,
  type Control,
  type Order,
  type SideName,
} from '../shared/model/control.ts';
import { Fault } from '../shared/model/faults.ts';
import { quoted, visible } from '../shared/model/text.ts';
import type { Controls } from '../shared/ports/controls.ts';
import type { KnownRuns } from '../shared/ports/runs.ts';
import { checkTask } from './known-task.ts';

/** What the commands about a task's work need. */
export interface OrderContext {
  readonly controls: Controls;
  readonly runs: KnownRuns;
  /** the names of the tasks of the stack */
  readonly tasks: readonly string[];
}

export const actions = ['pause', 'resume', 'cancel', 'status'] as const;
export type Action = (typeof actions)[number];

/** What an operator wants done, and with what. */
export interface Wish {
  readonly action: Action;
  readonly task: string;
  /** one run of the task; without it, pause and resume are about the task, and cancel about its runs under way */
  readonly run?: string;
  readonly order: Order;
}

/** How a task stands after a command. */
export interface TaskStatus {
  readonly task: string;
  readonly paused: Order | null;
  /** the sides that fail, and how */
  readonly failing: readonly ({ readonly side: SideName } & Omit<Breaker, 'probeAt'>)[];
  /** what is ordered about runs, and which are under way without an order */
  readonly runs: readonly { readonly run: string; readonly state: 'under way' | 'paused' | 'cancelled' }[];
}

/**
 * Carries out a wish. Asking twice for the same is fine.
 * @throws Fault `UnknownTask`; `InvalidInput` if the run is none of the task, or if there is none to cancel
 */
export async function carryOut({ controls, runs, tasks }: OrderContext, wish: Wish): Promise<TaskStatus> {
  const { action, task, run, order } = wish;
  checkTask(tasks, task);
  if (run !== undefined && (await runs.taskOf(run)) !== task) {
    throw new Fault('InvalidInput', `--run: found ${quoted(run)}, expected a run of task ${task}`);
  }
  const underWay = await runs.underWay(task);
  const chosen = run === undefined ? underWay : [run];
  if (action === 'cancel' && chosen.length === 0) {
    throw new Fault('InvalidInput', `no run of task ${task} is under way; --run names one whose jobs still wait`);
  }
  return statusOf(task, await apply(), underWay);

  function apply(): Promise<Control> {
    switch (action) {
      case 'pause':
        return controls.change(task, (control) => pause(control, order, run));
      case 'resume':
        return controls.change(task, (control) => resume(control, run));
      case 'cancel':
        return controls.change(task, (control) => chosen.reduce((all, one) => cancel(all, order, one), control));
      case 'status':
        return controls.read(task);
    }
  }
}

function statusOf(task: string, control: Control, underWay: readonly string[]): TaskStatus {
  const { paused, runs = [], breakers = {} } = control;
  const failing = sides.flatMap((side) => {
    if (!breakers[side]) return [];
    const { probeAt: _next, ...breaker } = breakers[side];
    return [{ side, ...breaker }];
  });
  const ordered = runs.map(({ run, kind }) => ({ run, state: kind }));
  const others = underWay.filter((run) => !orderOf(control, run)).map((run) => ({ run, state: 'under way' as const }));
  return { task, paused: paused ?? null, failing, runs: [...others, ...ordered] };
}

/** A status as lines for people. */
export function describeStatus({ task, paused, failing, runs }: TaskStatus): string {
  const lines = [
    paused ? `task ${task} is paused since ${timeOf(paused)}${reasonOf(paused)}` : `task ${task} is not paused`,
  ];
  for (const { side, fault, code = 'no code', since } of failing) {
    lines.push(`the ${side} has failed since ${new Date(since).toISOString()}: ${fault} (${visible(code)})`);
  }
  for (const { run, state } of runs) lines.push(`run ${visible(run)}: ${state}`);
  return lines.join('\n');
}

function timeOf({ since, by }: Order): string {
  return `${new Date(since).toISOString()} by ${visible(by)}`;
}

function reasonOf({ reason }: Order): string {
  return reason === '' ? '' : `: ${visible(reason)}`;
}
