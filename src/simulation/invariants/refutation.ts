import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Member } from '../../membership/membership.js';
import type { Check, Input, WatchedNode } from './check.js';
import { updatesOf } from './claims.js';
import { violated } from './violation.js';

/** A refutation that a node is being told, of a suspicion that it holds. */
interface Refuted {
  readonly held: Member;
  readonly incarnation: number;
}

/**
 * Rule 8: a refutation before expiry always cancels the suspicion. Whoever holds a member suspect and is told by a
 * member that it lives, with a higher incarnation, does not hold it suspect at the old one any more.
 */
export class Refutation implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  /** Of the input that is being handled. */
  #refuted: Refuted[] = [];

  constructor(options: SwimOptions) {
    this.#options = options;
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind !== 'receive') return;
    const updates = updatesOf(input.message);
    if (updates.length === 0 || !isActive(node, input.from.id)) return;
    for (const update of updates) {
      if (update.type !== 'alive') continue;
      const held = node.protocol.member(update.member.id);
      const rise = held?.state === 'suspect' ? update.member.incarnation - held.incarnation : 0;
      if (rise > 0 && rise <= this.#options.maxIncarnationJump)
        this.#refuted.push({ held: held!, incarnation: update.member.incarnation });
    }
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (this.#refuted.length === 0) return;
    const refuted = this.#refuted;
    this.#refuted = [];
    // The same message may have said that its sender does not count any more.
    if (input.kind !== 'receive' || !isActive(node, input.from.id)) return;
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
}

function isActive(node: WatchedNode<SwimMessage>, id: Member['id']): boolean {
  return node.protocol.member(id)?.isActive === true;
}
