import type { Address } from '../../address.js';
import type { SwimMessage, SuspicionKind, Update } from '../../membership/swim/messages.js';
import type { Member, MemberState } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';

const NOTHING: readonly never[] = [];

/** The updates that a message carries. */
export function updatesOf(message: SwimMessage): readonly Update[] {
  return message.type === 'ping' || message.type === 'ack' || message.type === 'gossip'
    ? message.updates
    : NOTHING;
}

/** The records that a message carries: pages of syncs, and of the answers to a join. */
export function recordsOf(message: SwimMessage): readonly Member[] {
  return message.type === 'page' ? message.members : NOTHING;
}

/** What a message says of a member, whichever way it travels. */
export interface Claim {
  readonly id: NodeId;
  readonly state: MemberState;
  readonly incarnation: number;
  /** Where it listens, of those who live. */
  readonly address?: Address;
  /** Of suspicions and verdicts that are gossiped. */
  readonly kind?: SuspicionKind;
}

/** An update as a claim. */
export function claimOf(update: Update): Claim {
  return update.type === 'alive' ? update.member : { ...update, state: update.type };
}
