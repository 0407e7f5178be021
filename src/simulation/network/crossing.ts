import { Happening } from '../clock/virtual-clock.js';
import type { Item, LinkEnd } from './link-end.js';

/** Who deals with what arrives. */
export interface Arrivals<M> {
  /** It is at the other side's kernel. */
  arrived(crossing: Crossing<M>): void;
  /** The other side's process reads it. */
  read(crossing: Crossing<M>): void;
}

/** One item on its way to one end of a link: through the network, then through the process's event loop. */
export class Crossing<M> extends Happening {
  #hasArrived = false;

  constructor(
    readonly arrivals: Arrivals<M>,
    readonly to: LinkEnd<M>,
    readonly item: Item<M>,
  ) {
    super();
  }

  happen(): void {
    if (this.#hasArrived) return this.arrivals.read(this);
    this.#hasArrived = true;
    this.arrivals.arrived(this);
  }
}
