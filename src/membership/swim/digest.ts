import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import { notesOf } from './member-notes.js';
import { SYNC_BUCKETS } from './messages.js';

/**
 * The sum of a view: for each of 64 buckets, and for all of them, two wrapping u32 lanes of a hash of (version,
 * NodeId, incarnation). Sums commute, so adding and removing one member costs the same in any cluster. Decisions 9.
 */
export class ViewDigest {
  readonly buckets = new Uint32Array(SYNC_BUCKETS * 2);
  low = 0;
  high = 0;

  add(member: Member): void {
    const { digestLow, digestHigh } = notesOf(member);
    this.#apply(member.id, digestLow, digestHigh);
  }

  remove(member: Member): void {
    const { digestLow, digestHigh } = notesOf(member);
    this.#apply(member.id, -digestLow, -digestHigh);
  }

  #apply(id: NodeId, low: number, high: number): void {
    const at = bucketOf(id) * 2;
    this.low = (this.low + low) >>> 0;
    this.high = (this.high + high) >>> 0;
    this.buckets[at]! += low;
    this.buckets[at + 1]! += high;
  }
}

/** Which bucket a member falls into: six random bits, the last ones of its id. */
export function bucketOf(id: NodeId): number {
  return (16 * digit(id.charCodeAt(id.length - 2)) + digit(id.charCodeAt(id.length - 1))) % SYNC_BUCKETS;
}

/** The value of a lowercase hexadecimal digit. */
function digit(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}
