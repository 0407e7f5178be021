import type { Fault } from '../scenarios/fault.js';
import type { Check, WatchedNode } from './check.js';

/** Which machines have had their timers held back by more than a stall: from then on they are late as long as they like. */
export class SlowMachines<M> implements Check<M> {
  readonly #names = new Set<string>();

  fault(fault: Fault): void {
    if (fault.kind === 'slow-loop' || fault.kind === 'block-io') this.#names.add(fault.node);
  }

  /** Whether this process, or one before it on its machine, was held back. */
  has({ name }: Pick<WatchedNode<M>, 'name'>): boolean {
    return this.#names.has(name.split('#')[0]!);
  }
}
