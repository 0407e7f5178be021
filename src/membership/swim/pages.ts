import type { Member } from '../membership.js';
import { notesOf } from './member-notes.js';
import { MAX_PAGE_MEMBERS } from './messages.js';
import type { Page } from './messages.js';

/** Members on their way to one peer, page by page. Members are immutable, so the list is a snapshot. */
export class OutgoingPages {
  readonly #members: readonly Member[];
  readonly #maxBytes: number;
  readonly #frame: Pick<Page, 'sync' | 'side' | 'maskLow' | 'maskHigh'>;
  #next = 0;
  #index = -1;

  constructor(
    frame: Pick<Page, 'sync' | 'side' | 'maskLow' | 'maskHigh'>,
    members: readonly Member[],
    maxBytes: number,
  ) {
    this.#frame = frame;
    this.#members = members;
    this.#maxBytes = maxBytes;
  }

  /** The page that is in flight. */
  get index(): number {
    return this.#index;
  }

  get done(): boolean {
    return this.#index >= 0 && this.#next >= this.#members.length;
  }

  /** The next page; at least one member, however large, so that it always ends. */
  next(): Page {
    const members: Member[] = [];
    let bytes = 64;
    while (this.#next < this.#members.length && members.length < MAX_PAGE_MEMBERS) {
      const member = this.#members[this.#next]!;
      bytes += notesOf(member).bytes;
      if (members.length > 0 && bytes > this.#maxBytes) break;
      members.push(member);
      this.#next++;
    }
    this.#index++;
    return {
      type: 'page',
      ...this.#frame,
      index: this.#index,
      last: this.#next >= this.#members.length,
      members,
    };
  }
}
