import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';
import { recordBytes } from './facts.js';
import { DIGEST_VERSION } from './messages.js';
import type { Update } from './messages.js';

const LOW_SEED = 0x811c9dc5;
const HIGH_SEED = 0x9747b28c;
const TWO_TO_32 = 2 ** 32;

/** What follows from a member alone. */
export interface MemberNotes {
  /** What it adds to the two lanes of a digest; integers of 32 bits. */
  readonly digestLow: number;
  readonly digestHigh: number;
  /** A guess at the size of its record. */
  readonly bytes: number;
  /** That it is so. */
  readonly news: News;
}

/** An update, ready to be spread. */
export interface News {
  /** Whom it is about. */
  readonly id: NodeId;
  readonly update: Update;
  /** A guess at its size. */
  readonly bytes: number;
}

/** Members are immutable and held by many: each is looked at once, also in a simulation of many nodes. */
const notes = new WeakMap<Member, MemberNotes>();

/** Looks a member up, or at it. */
export function notesOf(member: Member): MemberNotes {
  let made = notes.get(member);
  if (made === undefined) {
    const { id, incarnation } = member;
    const bytes = recordBytes(member);
    made = {
      digestLow: hash(id, incarnation, LOW_SEED),
      digestHigh: hash(id, incarnation, HIGH_SEED),
      bytes,
      news: { id, update: { type: 'alive', member }, bytes: bytes + 4 },
    };
    notes.set(member, made);
  }
  return made;
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
