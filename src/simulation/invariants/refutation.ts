import type { Peer } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Member } from '../../membership/membership.js';
import type { Check, Input, WatchedNode } from './check.js';
import { recordsOf, updatesOf } from './claims.js';
import { violated } from './violation.js';

/** A refutation that a node is being told, of a suspicion that it holds. */
interface Refuted {
  readonly held: Member;
  readonly incarnation: number;
}

/**
 * Rule 8: a refutation before expiry always cancels the suspicion. Whoever holds a member suspect and is told by a
 * member that it lives, with a higher incarnation, does not hold it suspect at the old one any more; nor does who takes a
 * page that lists it with one.
 */
export class Refutation implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  /** Of the input that is being handled. */
  #refuted: Refuted[] = [];
  #hasTakenPage = false;

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    this.#hasTakenPage = false;
    if (input.kind !== 'receive') return;
    for (const record of recordsOf(input.message)) this.#told(node, record);
    const updates = updatesOf(input.message);
    if (updates.length === 0 || !isActive(node, input.from.id)) return;
    for (const update of updates) if (update.type === 'alive') this.#told(node, update.member);
  }

  sent(_node: WatchedNode<SwimMessage>, _to: Peer, { type }: SwimMessage): void {
    if (type === 'pageTaken') this.#hasTakenPage = true;
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (this.#refuted.length === 0) return;
    const refuted = this.#refuted;
    this.#refuted = [];
    // The same message may have said that its sender does not count any more.
    if (input.kind !== 'receive') return;
    if (input.message.type === 'page' ? !this.#hasTakenPage : !isActive(node, input.from.id)) return;
    for (const { held, incarnation } of refuted) {
      const now = node.protocol.member(held.id);
      if (now !== undefined && now.state !== 'left' && now.incarnation < incarnation) {
        violated(
          8,
          node,
          `was told that ${held.name} lives at incarnation ${incarnation}, and holds it ${now.state} at ${now.incarnation}`,
        );
      }
    }
  }

  #told(node: WatchedNode<SwimMessage>, { id, incarnation }: Member): void {
    const held = node.protocol.member(id);
    const rise = held?.state === 'suspect' ? incarnation - held.incarnation : 0;
    if (rise > 0 && rise <= this.#options.maxIncarnationJump)
      this.#refuted.push({ held: held!, incarnation });
  }
}

function isActive(node: WatchedNode<SwimMessage>, id: Member['id']): boolean {
  return node.protocol.member(id)?.isActive === true;
}
