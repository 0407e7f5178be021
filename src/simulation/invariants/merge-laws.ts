import type { MembershipEvent, MemberState } from '../../membership/membership.js';
import { supersedes } from '../../membership/swim/transitions.js';
import type { NodeId } from '../../node-id.js';
import type { Check, WatchedNode } from './check.js';
import { violated } from './violation.js';

/** Different facts kept of one member; each new one is played against all pairs of those. */
const MAX_FACTS = 6;
/** Members of whom facts are kept. */
const MAX_MEMBERS = 4096;

/** What can be claimed about one member. */
export interface Fact {
  readonly state: MemberState;
  readonly incarnation: number;
}

/** Whether a claim replaces what is held. */
export type Supersedes = (claim: Fact, held: Fact) => boolean;

/**
 * Rule 7: the merge is commutative, associative and idempotent. Played on the facts that this very run has met: each
 * new one, with every pair of the latest about the same member.
 */
export class MergeLaws<M> implements Check<M> {
  readonly #supersedes: Supersedes;
  readonly #facts = new Map<NodeId, Fact[]>();

  constructor(by: Supersedes = supersedes) {
    this.#supersedes = by;
  }

  event(node: WatchedNode<M>, { member }: MembershipEvent): void {
    let facts = this.#facts.get(member.id);
    if (facts === undefined) {
      if (this.#facts.size >= MAX_MEMBERS) return;
      this.#facts.set(member.id, (facts = []));
    }
    const { state, incarnation } = member;
    if (facts.some((known) => known.state === state && known.incarnation === incarnation)) return;
    const fact: Fact = { state, incarnation };
    this.#play(node, fact, facts);
    facts.push(fact);
    if (facts.length > MAX_FACTS) facts.shift();
  }

  #play(node: WatchedNode<M>, a: Fact, others: readonly Fact[]): void {
    const { state, incarnation } = a;
    // Equal contents, another object: the merge must not tell them apart.
    if (this.#supersedes({ state, incarnation }, a))
      violated(7, node, `has met ${show(a)}, which replaces itself`);
    for (const b of others) {
      if (!same(this.#merge(a, b), this.#merge(b, a)))
        violated(7, node, `has met ${show(a)} and ${show(b)}, whose merge depends on the order`);
      for (const c of others) this.#group(node, a, b, c);
    }
  }

  /** All places that the new one can take in a group of three. */
  #group(node: WatchedNode<M>, a: Fact, b: Fact, c: Fact): void {
    for (const [x, y, z] of [
      [a, b, c],
      [b, a, c],
      [b, c, a],
    ] as const) {
      if (!same(this.#merge(this.#merge(x, y), z), this.#merge(x, this.#merge(y, z))))
        violated(
          7,
          node,
          `has met ${show(x)}, ${show(y)} and ${show(z)}, whose merge depends on the grouping`,
        );
    }
  }

  #merge(held: Fact, claim: Fact): Fact {
    return this.#supersedes(claim, held) ? claim : held;
  }
}

/** `left` is final, whatever its incarnation. */
function same(a: Fact, b: Fact): boolean {
  return a.state === b.state && (a.state === 'left' || a.incarnation === b.incarnation);
}

function show({ state, incarnation }: Fact): string {
  return `${state} ${incarnation}`;
}
