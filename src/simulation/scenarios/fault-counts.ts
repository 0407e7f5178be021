import type { Fault } from './fault.js';

/** How many faults of each kind were done to a cluster; those that made no sense when their turn came are not in it. */
export class FaultCounts {
  readonly byKind: Partial<Record<Fault['kind'], number>> = {};

  /** Also what a simulation calls, for it counts as a check that never objects. */
  fault({ kind }: Fault): void {
    this.byKind[kind] = (this.byKind[kind] ?? 0) + 1;
  }
}
