import type { Member } from '../membership.js';
import type { Suspicion } from './suspicion.js';

const NEVER = Number.NEGATIVE_INFINITY;

/** What this node has had of a member itself. One number: most entries of a large cluster have no more than that. */
const HEARSAY = 0;
const MET = 1;
const LINKED = 2;
type Contact = typeof HEARSAY | typeof MET | typeof LINKED;

/** What is remembered of few members at a time: most entries of a large cluster have none. */
class Signs {
  isStuck = false;
  heardAtMs = NEVER;
  refusedAtMs = NEVER;
  closedAtMs = NEVER;
  buriedAtMs = 0;
  suspicion: Suspicion | undefined = undefined;
  checkToken = 0;
}

/**
 * What one node keeps about one member. Mutable, private to its table. There is one per node and member, so a simulation of
 * 5,000 nodes has 25 million: what is rarely used is made when it is first written, and a
 * place in a list is looked up there.
 */
export class Entry {
  /** As the view has it. */
  member: Member;
  /** Counts those that its table has entered. */
  readonly number: number;
  #contact: Contact = HEARSAY;
  #signs: Signs | undefined = undefined;

  constructor(member: Member, number = 0) {
    this.member = member;
    this.number = number;
  }

  /** Whether a protocol link to it is established, as far as the transport has said. */
  get linked(): boolean {
    return this.#contact === LINKED;
  }

  set linked(value: boolean) {
    if (value) this.#contact = LINKED;
    else if (this.#contact === LINKED) this.#contact = MET;
  }

  /** Whether this node has met it, by a link or an answer. Until then it is hearsay. */
  get isMet(): boolean {
    return this.#contact !== HEARSAY;
  }

  /** For its table, which counts those that have not been met. */
  meet(): void {
    if (this.#contact === HEARSAY) this.#contact = MET;
  }

  /** Whether that link is in doubt, since it failed a probe or its peer has recovered: the next probe goes over a fresh one (decisions 5, ADR 15). */
  get isStuck(): boolean {
    return this.#signs?.isStuck ?? false;
  }

  set isStuck(value: boolean) {
    if (value || this.#signs !== undefined) this.#made.isStuck = value;
  }

  /** When the latest ping that it has answered was sent: contact is dated by the question, not by the answer. */
  get heardAtMs(): number {
    return this.#signs?.heardAtMs ?? NEVER;
  }

  set heardAtMs(value: number) {
    this.#made.heardAtMs = value;
  }

  /** When this node's own dial to it was last refused. */
  get refusedAtMs(): number {
    return this.#signs?.refusedAtMs ?? NEVER;
  }

  set refusedAtMs(value: number) {
    if (value !== NEVER || this.#signs !== undefined) this.#made.refusedAtMs = value;
  }

  /** When its link last ended without a goodbye. */
  get closedAtMs(): number {
    return this.#signs?.closedAtMs ?? NEVER;
  }

  set closedAtMs(value: number) {
    this.#made.closedAtMs = value;
  }

  /** When it became unreachable or left. */
  get buriedAtMs(): number {
    return this.#signs?.buriedAtMs ?? 0;
  }

  set buriedAtMs(value: number) {
    this.#made.buriedAtMs = value;
  }

  /** The doubt about it that is running. */
  get suspicion(): Suspicion | undefined {
    return this.#signs?.suspicion;
  }

  set suspicion(value: Suspicion | undefined) {
    if (value !== undefined || this.#signs !== undefined) this.#made.suspicion = value;
  }

  /** The timer of an out-of-turn probe that is about to start; 0 for none. */
  get checkToken(): number {
    return this.#signs?.checkToken ?? 0;
  }

  set checkToken(value: number) {
    if (value !== 0 || this.#signs !== undefined) this.#made.checkToken = value;
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

  get #made(): Signs {
    this.#signs ??= new Signs();
    return this.#signs;
  }
}
