import type { MembershipEvent } from '../../membership/membership.js';
import type { Peer, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import type { Fault } from '../scenarios/fault.js';
import type { Check, Input, WatchedNode } from './check.js';
import type { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

const ROUNDING_MS = 0.01;

interface Observer {
  /** Members about whom it has recorded hard evidence. */
  readonly quorums: Set<NodeId>;
  /** What it has asked them since then, by number. */
  readonly asked: Map<number, NodeId>;
  /** Those who have answered that. */
  readonly answered: Set<NodeId>;
  /** Who has refused its dials since anybody has answered it. */
  readonly refusing: Set<NodeId>;
  /** The relays that were asked to witness a refusal of each member, as far as they can still answer. */
  readonly relays: Map<NodeId, Map<NodeId, number>>;
  /** To whom its link is open. */
  readonly linked: Set<NodeId>;
  stalledAtMs: number;
}

/**
 * Rule 10, what speaks against hard evidence (decisions 3): no quorum is recorded among two, by one that doubts itself or
 * has just stood still, with fewer refusals than relays could give, while several members refuse and nobody answers, or
 * while the member's link is open (ADR 9); and no hard verdict is given about a member that has answered since, nor by
 * evidence that was taken back.
 */
export class ContraryEvidence implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #counts: MemberCount<SwimMessage>;
  readonly #observers = new PerNode<SwimMessage, Observer>(() => ({
    quorums: new Set(),
    asked: new Map(),
    answered: new Set(),
    refusing: new Set(),
    relays: new Map(),
    linked: new Set(),
    stalledAtMs: Number.NEGATIVE_INFINITY,
  }));
  /** Two processes have one address: refusals there may not count at all (decisions 4). */
  #isShared = false;
  /** In this input. */
  #hasAnswered = false;

  constructor(options: SwimOptions, counts: MemberCount<SwimMessage>) {
    this.#options = options;
    this.#counts = counts;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#observers.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#observers.forget(node);
  }

  fault({ kind }: Fault): void {
    if (kind === 'share-address') this.#isShared = true;
  }

  event(node: WatchedNode<SwimMessage>, { type, member }: MembershipEvent): void {
    const observer = this.#observers.of(node);
    if (observer === undefined || type === 'updated' || type === 'joined') return;
    if (type !== 'recovered') lose(observer, member.id);
    if (type === 'suspected') return;
    observer.refusing.delete(member.id);
    observer.relays.delete(member.id);
    this.#forget(observer, member.id);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind === 'timer' || input.kind === 'told') return;
    if (input.kind === 'receive' && input.message.type !== 'ack') return;
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    switch (input.kind) {
      case 'receive':
        if (observer.refusing.size > 0) observer.refusing.clear();
        if (observer.asked.size > 0 && input.message.type === 'ack') {
          const id = observer.asked.get(input.message.seq);
          if (id !== input.from.id) return;
          observer.answered.add(id);
          this.#hasAnswered = true;
        }
        return;
      case 'link': {
        const { id } = input.about;
        if (id === undefined) return;
        if (input.evidence === 'up') {
          observer.linked.add(id);
          return;
        }
        if (input.evidence === 'closed' || input.evidence === 'goodbye') observer.linked.delete(id);
        if (observer.relays.size > 0) lose(observer, id);
        if (input.evidence === 'refused' && node.protocol.member(id)?.isActive === true)
          observer.refusing.add(id);
        return;
      }
      case 'unsent':
        for (const relays of observer.relays.values())
          for (const [relay, seq] of relays) if (seq === input.token) relays.delete(relay);
        return;
      case 'stalled':
        if (this.#options.components.eventLoopAwareness) observer.stalledAtMs = node.protocolNowMs;
    }
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (!this.#hasAnswered || input.kind !== 'receive') return;
    this.#hasAnswered = false;
    const { id } = input.from;
    if (this.#observers.of(node)?.answered.has(id) !== true || node.protocol.member(id)?.state !== 'suspect')
      return;
    violated(10, node, `holds hard evidence against ${nameOf(node, id)} in spite of its answer`);
  }

  reset(node: WatchedNode<SwimMessage>, id: NodeId): void {
    this.#observers.of(node)?.linked.delete(id);
  }

  sent(node: WatchedNode<SwimMessage>, to: Peer, message: SwimMessage): void {
    if (message.type === 'ping') {
      const observer = this.#observers.of(node);
      if (observer?.quorums.has(message.to) === true) observer.asked.set(message.seq, message.to);
    } else if (message.type === 'pingReq' && message.why === 'refused' && to.id !== undefined) {
      const observer = this.#observers.of(node);
      const relays = observer?.relays.get(message.target);
      if (relays === undefined) observer?.relays.set(message.target, new Map([[to.id, message.seq]]));
      else relays.set(to.id, message.seq);
    }
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, by, detail, data }: TraceEvent): void {
    // It has started over, and counts on no link from before.
    if (kind === 'slept') this.#observers.of(node)?.linked.clear();
    if (about === undefined) return;
    switch (kind) {
      case 'reaped':
        this.#observers.of(node)?.linked.delete(about);
        return;
      case 'probe':
        this.#observers.of(node)?.relays.delete(about);
        return;
      case 'hard-quorum':
        this.#quorum(node, about, data?.['witnesses'] ?? 0);
        this.#observers.of(node)?.quorums.add(about);
        return;
      case 'replaced':
        this.#observers.of(node)?.quorums.add(about);
        return;
      case 'hard-contradicted':
        this.#isInForce(node, about, 'took back hard evidence against');
        this.#forgetAt(node, about);
        return;
      case 'suspected': {
        // Another suspicion has taken the place of that one.
        const isItsOwn = by === node.id && detail === 'hard';
        if (!isItsOwn) this.#forgetAt(node, about);
        return;
      }
      case 'verdict':
        if (detail !== 'hard') return;
        if (this.#observers.of(node)?.answered.has(about) === true)
          violated(10, node, `found ${nameOf(node, about)} unreachable in spite of its answer`);
        this.#isInForce(node, about, 'gave a hard verdict about');
    }
  }

  /** A sign of life ends hard evidence: there has to be a new one after it. */
  #isInForce(node: WatchedNode<SwimMessage>, id: NodeId, what: string): void {
    if (this.#observers.of(node)?.quorums.has(id) === false)
      violated(10, node, `${what} ${nameOf(node, id)} when none was in force`);
  }

  #quorum(node: WatchedNode<SwimMessage>, id: NodeId, witnesses: number): void {
    const observer = this.#observers.of(node);
    if (observer === undefined) return;
    const what = `recorded a quorum against ${nameOf(node, id)}`;
    const { localHealth } = node.protocol;
    if (localHealth > 0) violated(10, node, `${what} with local health ${localHealth}`);
    const n = this.#counts.at(node);
    if (n <= 2) violated(10, node, `${what} among ${n}`);
    const sinceStallMs = node.protocolNowMs - observer.stalledAtMs;
    if (sinceStallMs < 2 * this.#options.probeIntervalMs - ROUNDING_MS)
      violated(10, node, `${what} ${sinceStallMs.toFixed(0)} ms after a stall`);
    const needed = Math.min(this.#options.quorumRefusals, observer.relays.get(id)?.size ?? 0);
    if (witnesses < needed)
      violated(10, node, `${what} with ${witnesses} refusals where ${needed} could come`);
    if (observer.linked.has(id)) violated(10, node, `${what} while its link is open`);
    if (observer.refusing.size > 1 && !this.#isShared)
      violated(10, node, `${what} while ${observer.refusing.size} members refuse and nobody answers`);
  }

  #forgetAt(node: WatchedNode<SwimMessage>, id: NodeId): void {
    const observer = this.#observers.of(node);
    if (observer !== undefined) this.#forget(observer, id);
  }

  #forget({ quorums, asked, answered }: Observer, id: NodeId): void {
    if (!quorums.delete(id)) return;
    answered.delete(id);
    for (const [seq, of] of asked) if (of === id) asked.delete(seq);
  }
}

/** A member can give no evidence any more, as far as this node can tell. */
function lose({ relays }: Observer, relay: NodeId): void {
  for (const asked of relays.values()) asked.delete(relay);
}

function nameOf({ protocol }: WatchedNode<SwimMessage>, id: NodeId): string {
  return protocol.member(id)?.name ?? id;
}
