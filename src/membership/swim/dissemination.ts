import type { NodeId } from '../../node-id.js';
import { recordBytes } from './facts.js';
import type { Update } from './messages.js';

interface Item {
  readonly update: Update;
  readonly bytes: number;
  sends: number;
}

/** What one message may carry. */
export interface FrameBudget {
  readonly maxUpdates: number;
  readonly maxBytes: number;
}

/** Who an update is about. */
export function subjectOf(update: Update): NodeId {
  return update.type === 'alive' ? update.member.id : update.id;
}

/**
 * Updates that still have to spread: one per member, the newest, each sent a limited number of times, the least-sent
 * first. SWIM §4.1.
 */
export class DisseminationQueue {
  /** Items by how often they were sent; within a level, first in first out. */
  readonly #levels: Map<NodeId, Item>[] = [];
  readonly #sends = new Map<NodeId, number>();
  readonly #max: number;
  readonly #budget: FrameBudget;

  constructor(max: number, budget: FrameBudget) {
    this.#max = max;
    this.#budget = budget;
  }

  get size(): number {
    return this.#sends.size;
  }

  /** Queues an update, in place of an older one about the same member. False when another had to make room. */
  put(update: Update): boolean {
    const id = subjectOf(update);
    this.drop(id);
    const fits = this.#sends.size < this.#max;
    if (!fits) this.#dropMostSent();
    this.#place(id, { update, bytes: updateBytes(update), sends: 0 });
    return fits;
  }

  drop(id: NodeId): void {
    const sends = this.#sends.get(id);
    if (sends === undefined) return;
    this.#levels[sends]!.delete(id);
    this.#sends.delete(id);
  }

  clear(): void {
    this.#levels.length = 0;
    this.#sends.clear();
  }

  /**
   * The updates for one message to `to`, behind those that are in `frame` already; each counts as sent once more and
   * is dropped at `limit`. A single update over the byte budget goes alone.
   */
  take(to: NodeId, limit: number, frame: Update[]): Update[] {
    if (this.#sends.size === 0) return frame;
    const taken: Item[] = [];
    let bytes = 0;
    for (const update of frame) bytes += updateBytes(update);
    for (const level of this.#levels) {
      for (const item of level.values()) {
        if (frame.length >= this.#budget.maxUpdates) break;
        if (frame.length > 0 && bytes + item.bytes > this.#budget.maxBytes) continue;
        if (subjectOf(item.update) === to) {
          // No news to its subject; counted all the same, or it would stay for ever in a cluster of two.
          taken.push(item);
          continue;
        }
        frame.push(item.update);
        bytes += item.bytes;
        taken.push(item);
      }
    }
    for (const item of taken) this.#sent(item, limit);
    return frame;
  }

  #sent(item: Item, limit: number): void {
    const id = subjectOf(item.update);
    this.drop(id);
    item.sends++;
    if (item.sends < limit) this.#place(id, item);
  }

  #place(id: NodeId, item: Item): void {
    while (this.#levels.length <= item.sends) this.#levels.push(new Map());
    this.#levels[item.sends]!.set(id, item);
    this.#sends.set(id, item.sends);
  }

  #dropMostSent(): void {
    for (let sends = this.#levels.length - 1; sends >= 0; sends--) {
      const [id] = this.#levels[sends]!.keys();
      if (id !== undefined) return this.drop(id);
    }
  }
}

function updateBytes(update: Update): number {
  switch (update.type) {
    case 'alive':
      return recordBytes(update.member) + 4;
    case 'suspect':
      return 52;
    case 'unreachable':
      return 54 + 18 * update.witnesses.length;
    case 'left':
      return 32;
  }
}
