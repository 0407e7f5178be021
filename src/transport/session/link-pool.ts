import type { PeerLink } from './peer-link.js';

/** Links that are looked at for one to evict: enough to find an idle one, few enough to cost nothing. */
const CANDIDATES = 16;

/** The established links of one lane. */
export class LinkPool {
  readonly #links: PeerLink[] = [];

  constructor(
    readonly limit: number,
    readonly random: () => number,
  ) {}

  get size(): number {
    return this.#links.length;
  }

  add(link: PeerLink): void {
    link.poolIndex = this.#links.push(link) - 1;
  }

  delete(link: PeerLink): void {
    const index = link.poolIndex;
    if (index < 0) return;
    const last = this.#links.pop()!;
    if (last !== link) {
      this.#links[index] = last;
      last.poolIndex = index;
    }
    link.poolIndex = -1;
  }

  /**
   * A random link to close when the pool is over its limit: the first idle one of a few, else the best of them.
   *
   * @param busyness 0 for an idle link, else the more the busier
   */
  excess(newest: PeerLink, busyness: (link: PeerLink) => number): PeerLink | undefined {
    if (this.#links.length <= this.limit) return undefined;
    let best: PeerLink | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < CANDIDATES && least > 0; tries++) {
      const link = this.#links[Math.floor(this.random() * this.#links.length)]!;
      if (link === newest) continue;
      const busy = busyness(link);
      if (busy >= least) continue;
      best = link;
      least = busy;
    }
    return best;
  }

  [Symbol.iterator](): IterableIterator<PeerLink> {
    return this.#links[Symbol.iterator]();
  }
}
