import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import { DIGEST_VERSION, SYNC_BUCKETS } from './messages.js';

const LOW_SEED = 0x811c9dc5;
const HIGH_SEED = 0x9747b28c;
const TWO_TO_32 = 2 ** 32;

/** What one member adds to a sum; integers of 32 bits. */
interface Share {
  readonly low: number;
  readonly high: number;
}

/** Members are immutable and held by many: each share is computed once, also in a simulation of many nodes. */
const shares = new WeakMap<Member, Share>();

/**
 * The sum of a view: for each of 64 buckets, and for all of them, two wrapping u32 lanes of a hash of (version,
 * NodeId, incarnation). Sums commute, so adding and removing one member costs the same in any cluster. Decisions 9.
 */
export class ViewDigest {
  readonly buckets = new Uint32Array(SYNC_BUCKETS * 2);
  low = 0;
  high = 0;

  add(member: Member): void {
    const { low, high } = shareOf(member);
    this.#apply(member.id, low, high);
  }

  remove(member: Member): void {
    const { low, high } = shareOf(member);
    this.#apply(member.id, -low, -high);
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

function shareOf(member: Member): Share {
  let share = shares.get(member);
  if (share === undefined) {
    const { id, incarnation } = member;
    share = { low: hash(id, incarnation, LOW_SEED), high: hash(id, incarnation, HIGH_SEED) };
    shares.set(member, share);
  }
  return share;
}

/** FNV-1a over the id's digits, then murmur3's finalizer over the incarnation's halves. */
function hash(id: NodeId, incarnation: number, seed: number): number {
  let value = seed ^ DIGEST_VERSION;
  for (let i = 0; i < id.length; i++) value = Math.imul(value ^ id.charCodeAt(i), 0x01000193);
  value = finish(value ^ (incarnation % TWO_TO_32));
  return finish(value ^ Math.floor(incarnation / TWO_TO_32));
}

function finish(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
