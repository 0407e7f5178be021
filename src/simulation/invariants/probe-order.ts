import type { MembershipEvent } from '../../membership/membership.js';
import type { TraceEvent } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { Check, WatchedNode } from './check.js';
import { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** A member's turn may fall while a probe of it still runs: that one counts, and its end is seen a round later. */
const SLACK_ROUNDS = 2;
/** A probe can last as long as this many rounds of a node that has recovered meanwhile. */
const MAX_PROBE_ROUNDS = 10;

/** When a member was probed last. */
interface Turn {
  /** Rounds of the observer at that moment. */
  round: number;
  /** n then, and how many had joined by then. */
  n: number;
  joined: number;
  isRunning: boolean;
}

interface Prober {
  /** The one probed longest ago comes first. */
  readonly turns: Map<NodeId, Turn>;
  rounds: number;
  joined: number;
}

/**
 * Rule 17: selections of one target are at most 2n − 1 periods apart (SWIM §4.3). Periods are the observer's own rounds,
 * and n grows with whoever joins meanwhile. A probe out of turn counts as well.
 */
export class ProbeOrder<M> implements Check<M> {
  readonly #counts = new MemberCount<M>();
  readonly #probers = new PerNode<M, Prober>(() => ({ turns: new Map(), rounds: 0, joined: 0 }));

  started(node: WatchedNode<M>): void {
    this.#probers.watch(node);
  }

  ended(node: WatchedNode<M>): void {
    this.#probers.forget(node);
    this.#counts.ended(node);
  }

  event(node: WatchedNode<M>, event: MembershipEvent): void {
    this.#counts.event(node, event);
    const prober = this.#probers.of(node);
    const { type, member } = event;
    if (prober === undefined || member.id === node.id) return;
    if (type === 'joined') {
      prober.joined++;
      this.#turn(node, prober, member.id, false);
    } else if (type === 'unreachable' || type === 'left') prober.turns.delete(member.id);
  }

  traced(node: WatchedNode<M>, { kind, about }: TraceEvent): void {
    switch (kind) {
      case 'round':
        return this.#round(node);
      case 'probe':
        return this.#probed(node, about, true);
      case 'probe-acked':
      case 'probe-failed':
      case 'probe-void':
        return this.#probed(node, about, false);
    }
  }

  #probed(node: WatchedNode<M>, about: NodeId | undefined, isRunning: boolean): void {
    const prober = this.#probers.of(node);
    // One that ends because its target is gone is no turn of anybody.
    if (prober === undefined || about === undefined || !prober.turns.has(about)) return;
    this.#turn(node, prober, about, isRunning);
  }

  #turn(node: WatchedNode<M>, { turns, rounds, joined }: Prober, id: NodeId, isRunning: boolean): void {
    turns.delete(id);
    turns.set(id, { round: rounds, n: this.#counts.at(node), joined, isRunning });
  }

  #round(node: WatchedNode<M>): void {
    const prober = this.#probers.of(node);
    if (prober === undefined || node.protocol.local.state === 'left') return;
    prober.rounds++;
    for (const [id, turn] of prober.turns) {
      const n = turn.n + prober.joined - turn.joined;
      const rounds = prober.rounds - turn.round;
      if (rounds > 2 * n - 1 + SLACK_ROUNDS + (turn.isRunning ? MAX_PROBE_ROUNDS : 0)) {
        const name = node.protocol.member(id)?.name ?? id;
        violated(17, node, `has not probed ${name} for ${rounds} rounds, of at most ${2 * n - 1} among ${n}`);
      }
      // The first one is the oldest, unless its probe runs.
      if (!turn.isRunning) return;
    }
  }
}
