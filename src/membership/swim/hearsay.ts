import type { ClaimSource } from './merge.js';
import type { Parts } from './parts.js';

/** So many more may be hearsay for each member that this node has met: a large cluster is met bit by bit. */
const PER_MET = 4;

/** Entered over the bound in a probe interval by this node's own syncs, until there are twice as many as the bound. */
const SYNCED_PER_INTERVAL = 256;

/**
 * Bounds the members of whom this node has only heard. Whoever is in the cluster can invent them without end, and each costs
 * probes, suspicions and gossip everywhere until it is given up (ADR 18). One that speaks to this node is no hearsay.
 */
export class Hearsay {
  readonly #parts: Parts;
  #synced = 0;
  #syncedSinceMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Whether one more may be entered. What a seed answers to a join is taken whole. The answer to a sync lists those first
   * whom its sender has met, so it has some room above the bound: whoever gossip could not enter is found by it.
   */
  admits(source: ClaimSource): boolean {
    const { table, options } = this.#parts;
    if (source === 'answer' || !table.isFlooded) return true;
    const most = options.maxHearsay + PER_MET * table.met;
    if (table.hearsay < most) return true;
    if (source === 'page' && table.hearsay < 2 * most && this.#maySync()) return true;
    this.#parts.count('hearsayDropped');
    return false;
  }

  #maySync(): boolean {
    const { options, world } = this.#parts;
    if (world.now() - this.#syncedSinceMs >= options.probeIntervalMs) {
      this.#syncedSinceMs = world.now();
      this.#synced = 0;
    }
    return ++this.#synced <= SYNCED_PER_INTERVAL;
  }
}
