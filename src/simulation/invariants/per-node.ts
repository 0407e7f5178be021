import type { WatchedNode } from './check.js';

/** A check that keeps something about each other member, at each node, watches at most so many nodes at a time. */
const MAX_WATCHED = 512;

/** What a check keeps of each process that runs. Those that start when enough are watched already are not. */
export class PerNode<M, S> {
  readonly #states = new Map<WatchedNode<M>, S>();
  readonly #make: (node: WatchedNode<M>) => S;
  readonly #max: number;

  constructor(make: (node: WatchedNode<M>) => S, max = MAX_WATCHED) {
    this.#make = make;
    this.#max = max;
  }

  watch(node: WatchedNode<M>): void {
    if (this.#states.size < this.#max) this.#states.set(node, this.#make(node));
  }

  forget(node: WatchedNode<M>): void {
    this.#states.delete(node);
  }

  /** Undefined when this process is not watched, or has ended. */
  of(node: WatchedNode<M>): S | undefined {
    return this.#states.get(node);
  }

  entries(): Iterable<[WatchedNode<M>, S]> {
    return this.#states;
  }
}
