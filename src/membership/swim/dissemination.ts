import type { NodeId } from '../../node-id.js';
import { IdDirectory, IdMap } from './id-map.js';
import { notesOf, type News } from './member-notes.js';
import type { Update } from './messages.js';

/** How many updates that do not fit are passed over before a message goes as it is. */
const MAX_MISFITS = 8;

/**
 * What goes first. While hundreds join, their updates fill every message for half a minute; whoever hears of one more
 * member a little later is not harmed, who hears of a death late is.
 */
const FIRST = 0;
const JOINS = 1;

/** An update in one of the queue's lines. */
interface Item {
  readonly news: News;
  readonly rank: typeof FIRST | typeof JOINS;
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
 * first (SWIM §4.1), and joins behind everything else.
 */
export class DisseminationQueue {
  readonly #items: IdMap<Item>;
  /** Of each rank, by how often they were sent; within a line, first in first out. */
  readonly #lines: readonly [Line[], Line[]] = [[], []];
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

  /**
   * Queues an update, in place of an older one about the same member. False when another had to make room.
   *
   * @param isLast it goes with the joins, whatever it says
   */
  put(update: Update, isLast = false): boolean {
    const news = newsOf(update);
    this.drop(news.id);
    const fits = this.#items.size < this.#max;
    if (!fits) this.#dropMostSent();
    const rank = isLast || isJoin(update) ? JOINS : FIRST;
    const item: Item = { news, rank, sends: 0, before: undefined, behind: undefined };
    this.#items.set(news.id, item);
    this.#lineOf(item).add(item);
    return fits;
  }

  drop(id: NodeId): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    this.#items.delete(id);
    this.#lineOf(item).remove(item);
  }

  clear(): void {
    this.#items.clear();
    for (const lines of this.#lines) lines.length = 0;
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
    let item = this.#next(FIRST, 0);
    for (; item !== undefined; item = item.behind ?? this.#next(item.rank, item.sends + 1)) {
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
    for (const sent of taken) this.#sent(sent, limit);
    return frame;
  }

  #sent(item: Item, limit: number): void {
    this.#lineOf(item).remove(item);
    item.sends++;
    if (item.sends < limit) this.#lineOf(item).add(item);
    else this.#items.delete(item.news.id);
  }

  #dropMostSent(): void {
    for (const rank of [JOINS, FIRST] as const) {
      const most = this.#lines[rank].findLast(({ first }) => first !== undefined);
      if (most?.first !== undefined) return this.drop(most.first.news.id);
    }
  }

  /** The first of those of a rank that were sent so often, or more often; then of the next rank. */
  #next(rank: Item['rank'], sends: number): Item | undefined {
    const lines = this.#lines[rank];
    for (let at = sends; at < lines.length; at++) {
      const { first } = lines[at]!;
      if (first !== undefined) return first;
    }
    return rank === FIRST ? this.#next(JOINS, 0) : undefined;
  }

  #lineOf({ rank, sends }: Item): Line {
    const lines = this.#lines[rank];
    while (lines.length <= sends) lines.push(new Line());
    return lines[sends]!;
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

/** Nobody has accused it yet, and it has not changed. */
function isJoin(update: Update): boolean {
  return update.type === 'alive' && update.member.incarnation === 0;
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
