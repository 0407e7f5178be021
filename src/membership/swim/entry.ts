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
  /** Whether that link has failed a probe: the next contact goes over a fresh one (decisions 5). */
  isStuck = false;
  /** When the latest ping that it has answered was sent: contact is dated by the question, not by the answer. */
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** When this node's own dial to it was last refused. */
  refusedAtMs = Number.NEGATIVE_INFINITY;
  /** When its link last ended without a goodbye. */
  closedAtMs = Number.NEGATIVE_INFINITY;
  /** When it became unreachable or left. */
  buriedAtMs = 0;
  suspicion: Suspicion | undefined = undefined;
  /** The timer of an out-of-turn probe that is about to start; 0 for none. */
  checkToken = 0;

  constructor(member: Member) {
    this.member = member;
  }

  /** This node's own hard evidence: its dial was refused, there is no link, and no answer since. */
  get refuses(): boolean {
    return !this.linked && this.refusedAtMs > this.heardAtMs;
  }

  /** Whether it can be asked to probe others: nothing speaks against it here (ADR 10). */
  get mayRelay(): boolean {
    const isLost = !this.linked && this.closedAtMs > this.heardAtMs;
    return this.member.state === 'alive' && !isLost && !this.refuses;
  }
}
