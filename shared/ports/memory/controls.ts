import { noControl, type Control } from '../../model/control.ts';
import type { Controls } from '../controls.ts';
import { Gate } from './gate.ts';

/** Controls in memory. */
export class MemoryControls implements Controls {
  readonly #gate: Gate;
  readonly #controls = new Map<string, Control>();

  constructor(gate = new Gate()) {
    this.#gate = gate;
  }

  async read(task: string): Promise<Control> {
    return this.#gate.pass({ operation: 'controls.read', bucket: 'controls', key: task }, () => this.#of(task));
  }

  async change(task: string, change: (control: Control) => Control): Promise<Control> {
    return this.#gate.pass({ operation: 'controls.change', bucket: 'controls', key: task }, () => {
      const changed = change(this.#of(task));
      this.#controls.set(task, changed);
      return changed;
    });
  }

  #of(task: string): Control {
    return this.#controls.get(task) ?? noControl;
  }
}
