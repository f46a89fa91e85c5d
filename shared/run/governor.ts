import {
  claimProbe,
  closeBreaker,
  openBreaker,
  probeMillis,
  sides,
  type Breaker,
  type Control,
  type SideName,
} from '../model/control.ts';
import { asFault, type Fault } from '../model/faults.ts';
import type { Clock, Deadline } from '../ports/clock.ts';
import type { Controls } from '../ports/controls.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { isOfSide, kindOf, lengthened, opens, type Streak } from './breaker.ts';
import { ControlsCache } from './controls-cache.ts';
import { standingByHours, type Hours } from './hours.ts';
import { free, standingOf, type Belonging, type Standing } from './standing.ts';
import { watchStore } from './watch-store.ts';

/** What a process has seen of a side of a task. */
export interface SideEvent {
  readonly task: string;
  readonly side: SideName;
  /** `failing`: it is known to fail, and a probe failed too */
  readonly kind: 'opened' | 'failing' | 'closed';
  readonly breaker: Breaker;
}

export interface GovernorOptions {
  readonly controls: Controls;
  readonly clock: Clock;
  /** Called when a task's item cannot be read or written, or makes no sense. Work goes on as before. */
  readonly onFault: (task: string, fault: Fault) => void;
  readonly onSide?: (event: SideEvent) => void;
  /** true: the process only obeys, and neither probes nor tells what it sees */
  readonly obeysOnly?: boolean;
  /** The code of the store behind a fault. */
  readonly codeOf?: (fault: Fault) => string | undefined;
}

/** Both stores of a task. */
type Stores = Readonly<Record<SideName, ObjectStore>>;

/** Knows, in one process, what work may be done now, and learns from its requests which sides fail. */
export class Governor {
  readonly #options: GovernorOptions;
  readonly #cache: ControlsCache;
  #readTask: ((task: string) => Promise<Hours>) | undefined;
  readonly #streaks = new Map<string, Streak>();
  /** sides whose item is being changed */
  readonly #changing = new Set<string>();
  /** Of each store, by task and side: what is learned of a store belongs to the one object. */
  readonly #watched = new WeakMap<ObjectStore, Map<string, ObjectStore>>();

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#cache = new ControlsCache(options);
  }

  /**
   * May this work be done now? If a side fails and a minute has passed since the last probe, one caller among all
   * processes is free, and so makes the next. Never throws.
   */
  async standing(work: Belonging): Promise<Standing> {
    const control = await this.#cache.of(work.task);
    const standing = standingOf(control, work);
    const isOrdered = standing.kind === 'cancelled' || (standing.kind === 'held' && standing.fault === undefined);
    const byHours = isOrdered ? standing : await this.#standingByHours(work.task);
    if (byHours.kind !== 'free') return byHours;
    if (this.#options.obeysOnly || standing.kind !== 'held' || standing.fault === undefined) return standing;
    const side = sides.find((one) => control.breakers?.[one]);
    const mayProbe = side && claimProbe(control, side, this.#options.clock.now()) !== control;
    return mayProbe && (await this.#probes(work.task, side)) ? free : standing;
  }

  /** Reads tasks from now on, for the hours in which they work. */
  readTasks(read: (task: string) => Promise<Hours>): void {
    this.#readTask = read;
  }

  /** A task that cannot be read is held by nothing here: its work fails with the reason. */
  async #standingByHours(task: string): Promise<Standing> {
    const hours = await this.#readTask?.(task).catch(() => undefined);
    return hours ? standingByHours(hours, this.#options.clock.now()) : free;
  }

  /** The deadline, which has passed as soon as the work may not be done any more. */
  deadline(work: Belonging, deadline: Deadline): Deadline {
    const isFree = (): boolean => standingOf(this.#cache.lastOf(work.task), work).kind === 'free';
    return { remaining: () => (isFree() ? deadline.remaining() : -1) };
  }

  /** The stores of a task, whose requests show whether its sides work. */
  watch(task: string, stores: Stores): Stores {
    return { source: this.#watch(task, 'source', stores), destination: this.#watch(task, 'destination', stores) };
  }

  /** What a request to a side, or the reading of its credentials, has shown. */
  async seen(task: string, side: SideName, fault?: Fault): Promise<void> {
    const { clock, codeOf, onSide } = this.#options;
    const name = `${task} ${side}`;
    const known = this.#cache.lastOf(task).breakers?.[side];
    if (fault === undefined || !isOfSide(fault.name)) {
      this.#streaks.delete(name);
      if (known) await this.#change(task, side, (control) => closeBreaker(control, side), 'closed');
      return;
    }
    const now = clock.now();
    const streak = lengthened(this.#streaks.get(name), now);
    this.#streaks.set(name, streak);
    if (known) {
      onSide?.({ task, side, kind: 'failing', breaker: known });
      return;
    }
    if (!opens(streak, fault.name, now)) return;
    const code = codeOf?.(fault);
    const breaker = {
      fault: kindOf(fault.name),
      since: streak.since,
      probeAt: now + probeMillis,
      ...(code !== undefined && { code }),
    };
    await this.#change(task, side, (control) => openBreaker(control, side, breaker), 'opened');
  }

  #watch(task: string, side: SideName, { [side]: store }: Stores): ObjectStore {
    const made = this.#watched.get(store) ?? new Map<string, ObjectStore>();
    this.#watched.set(store, made);
    const name = `${task} ${side}`;
    const watched = made.get(name) ?? watchStore(store, { after: (fault) => this.seen(task, side, fault) });
    made.set(name, watched);
    return watched;
  }

  /** @returns true if this process makes the next probe */
  async #probes(task: string, side: SideName): Promise<boolean> {
    let claimed = false;
    const now = this.#options.clock.now();
    await this.#change(task, side, (control) => {
      const changed = claimProbe(control, side, now);
      claimed = changed !== control;
      return changed;
    });
    return claimed;
  }

  /** Changes what is known of a side, and tells of it if the change is this process's. Never throws. */
  async #change(
    task: string,
    side: SideName,
    change: (control: Control) => Control,
    kind?: 'opened' | 'closed',
  ): Promise<void> {
    const name = `${task} ${side}`;
    if (this.#changing.has(name)) return;
    this.#changing.add(name);
    try {
      let before: Control = {};
      const control = await this.#options.controls.change(task, (one) => change((before = one)));
      this.#cache.keep(task, control);
      const breaker = kind === 'closed' ? before.breakers?.[side] : control.breakers?.[side];
      if (kind && breaker && control !== before) this.#options.onSide?.({ task, side, kind, breaker });
    } catch (error) {
      this.#options.onFault(task, asFault(error));
    } finally {
      this.#changing.delete(name);
    }
  }
}
