import type { Member } from '../membership.js';
import type { Suspicion } from './suspicion.js';

/** What one node keeps about one member. Mutable, private to its table. */
export class Entry {
  /** As the view has it. */
  member: Member;
  /** Place among the table's active others; −1 when not among them. */
  place = -1;
  /** Place in the probe order; −1 when not in it. */
  turn = -1;
  /** Whether a protocol link to it is established, as far as the transport has said. */
  linked = false;
  /** When the latest ping that it has answered was sent: contact is dated by the question, not by the answer. */
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** When it became unreachable or left. */
  buriedAtMs = 0;
  suspicion: Suspicion | undefined = undefined;
  /** The timer of an out-of-turn probe that is about to start; 0 for none. */
  checkToken = 0;

  constructor(member: Member) {
    this.member = member;
  }
}
