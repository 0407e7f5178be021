import type { NodeId } from '../../node-id.js';
import { IdDirectory, IdMap } from './id-map.js';
import { notesOf, type News } from './member-notes.js';
import type { Update } from './messages.js';

/** How many updates that do not fit are passed over before a message goes as it is. */
const MAX_MISFITS = 8;

/** An update in one of the queue's lines. */
interface Item {
  readonly news: News;
  sends: number;
  before: Item | undefined;
  behind: Item | undefined;
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
  readonly #items: IdMap<Item>;
  /** By how often they were sent; within a line, first in first out. */
  readonly #lines: Line[] = [];
  readonly #max: number;
  readonly #budget: FrameBudget;

  constructor(max: number, budget: FrameBudget, directory = new IdDirectory()) {
    this.#items = new IdMap(directory);
    this.#max = max;
    this.#budget = budget;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Queues an update, in place of an older one about the same member. False when another had to make room. */
  put(update: Update): boolean {
    const news = newsOf(update);
    this.drop(news.id);
    const fits = this.#items.size < this.#max;
    if (!fits) this.#dropMostSent();
    const item: Item = { news, sends: 0, before: undefined, behind: undefined };
    this.#items.set(news.id, item);
    this.#line(0).add(item);
    return fits;
  }

  drop(id: NodeId): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    this.#items.delete(id);
    this.#line(item.sends).remove(item);
  }

  clear(): void {
    this.#items.clear();
    this.#lines.length = 0;
  }

  /**
   * The updates for one message to `to`, behind those that are in `frame` already; each counts as sent once more and
   * is dropped at `limit`. A single update over the byte budget goes alone. Of itself a member hears only what it has to
   * refute, and that once: what is in `frame` is about it.
   */
  take(to: NodeId, limit: number, frame: Update[]): Update[] {
    if (this.#items.size === 0) return frame;
    const taken: Item[] = [];
    const isTold = frame.length > 0;
    let misfits = 0;
    let bytes = 0;
    for (const update of frame) bytes += newsOf(update).bytes;
    for (let item = this.#next(0); item !== undefined; item = item.behind ?? this.#next(item.sends + 1)) {
      if (frame.length >= this.#budget.maxUpdates) break;
      const { news } = item;
      if (news.id === to && (isTold || !isAccusation(news.update))) {
        // No news to its subject; counted all the same, or it would stay for ever in a cluster of two.
        taken.push(item);
      } else if (frame.length === 0 || bytes + news.bytes <= this.#budget.maxBytes) {
        frame.push(news.update);
        bytes += news.bytes;
        taken.push(item);
      } else if (++misfits >= MAX_MISFITS) break;
    }
    for (const item of taken) this.#sent(item, limit);
    return frame;
  }

  #sent(item: Item, limit: number): void {
    this.#line(item.sends).remove(item);
    item.sends++;
    if (item.sends < limit) this.#line(item.sends).add(item);
    else this.#items.delete(item.news.id);
  }

  #dropMostSent(): void {
    for (let sends = this.#lines.length - 1; sends >= 0; sends--) {
      const first = this.#line(sends).first;
      if (first !== undefined) return this.drop(first.news.id);
    }
  }

  /** The first of those that were sent so often, or more often. */
  #next(sends: number): Item | undefined {
    for (let at = sends; at < this.#lines.length; at++) {
      const first = this.#line(at).first;
      if (first !== undefined) return first;
    }
    return undefined;
  }

  #line(sends: number): Line {
    while (this.#lines.length <= sends) this.#lines.push(new Line());
    return this.#lines[sends]!;
  }
}

/** Items in the order in which they came; any can leave at once. */
class Line {
  first: Item | undefined = undefined;
  #last: Item | undefined = undefined;

  add(item: Item): void {
    item.before = this.#last;
    item.behind = undefined;
    if (this.#last === undefined) this.first = item;
    else this.#last.behind = item;
    this.#last = item;
  }

  remove(item: Item): void {
    if (item.before === undefined) this.first = item.behind;
    else item.before.behind = item.behind;
    if (item.behind === undefined) this.#last = item.before;
    else item.behind.before = item.before;
  }
}

function isAccusation({ type }: Update): boolean {
  return type === 'suspect' || type === 'unreachable';
}

function newsOf(update: Update): News {
  switch (update.type) {
    case 'alive':
      return notesOf(update.member).news;
    case 'suspect':
      return { id: update.id, update, bytes: 52 };
    case 'unreachable':
      return { id: update.id, update, bytes: 54 + 18 * update.witnesses.length };
    case 'left':
      return { id: update.id, update, bytes: 32 };
  }
}
