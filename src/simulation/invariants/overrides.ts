import { sameAddress } from '../../address.js';
import type { Member, MembershipEvent } from '../../membership/membership.js';
import type { KnownPeer, Peer, TraceEvent } from '../../membership/protocol.js';
import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import { claimOf, recordsOf, updatesOf, type Claim } from './claims.js';
import type { Check, Input, WatchedNode } from './check.js';
import type { Contacts } from './contacts.js';
import type { MemberCount } from './member-count.js';
import { overriddenBy, type Fact } from './override-table.js';
import { violated } from './violation.js';

/** What may be held of a member after this input: more than one where an observer may know better than it was told. */
type Outcomes = readonly (Fact | undefined)[];

/**
 * Rule 7, on what happens: each observer holds what the override table makes of what it held and of what it is told, by
 * gossip, in pages and by those who leave. Nothing is dropped, nothing lower is taken. Rule 8: nor is a refutation, however
 * it travels.
 *
 * And rule 5: the lost come back by their own word only; what others say of them is never announced before contact.
 */
export class Overrides implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #counts: MemberCount<SwimMessage>;
  readonly #contacts: Contacts;
  /** What this input must lead to, of those members of whom it says anything new. */
  readonly #outcomes = new Map<NodeId, Outcomes>();
  /** Members about whom the node has had a reason of its own in this input. */
  readonly #own = new Set<NodeId>();
  #hasTakenPage = false;

  constructor(options: SwimOptions, counts: MemberCount<SwimMessage>, contacts: Contacts) {
    this.#options = options;
    this.#counts = counts;
    this.#contacts = contacts;
  }

  event(node: WatchedNode<SwimMessage>, { type, member, previous }: MembershipEvent): void {
    if (type !== 'joined' || previous?.state !== 'unreachable') return;
    const { input } = this.#contacts;
    if (input?.kind !== 'receive' || input.from.id !== member.id)
      violated(5, node, `took ${member.name} back, which it held unreachable, without a word of its own`);
  }

  traced(node: WatchedNode<SwimMessage>, { kind, about, by }: TraceEvent): void {
    if (
      this.#outcomes.size > 0 &&
      about !== undefined &&
      (kind === 'reaped' || (kind === 'suspected' && by === node.id))
    )
      this.#own.add(about);
  }

  sent(_node: WatchedNode<SwimMessage>, _to: Peer, { type }: SwimMessage): void {
    if (type === 'pageTaken' && this.#outcomes.size > 0) this.#hasTakenPage = true;
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (input.kind !== 'receive') return;
    const { from, message } = input;
    const isTelling = message.type === 'leaving' || updatesOf(message).length + recordsOf(message).length > 0;
    if (!isTelling || node.protocol.local.state === 'left') return;
    for (const record of recordsOf(message)) this.#listed(node, from, record);
    if (message.type === 'leaving')
      this.#claimed(node, from, { id: from.id, state: 'left', incarnation: message.incarnation });
    else this.#told(node, from, message);
  }

  afterInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    if (this.#outcomes.size === 0) return;
    const isPage = input.kind === 'receive' && input.message.type === 'page';
    // A page that nobody waits for is not taken.
    if (node.isRunning && (!isPage || this.#hasTakenPage)) {
      for (const [id, outcomes] of this.#outcomes) if (!this.#own.has(id)) this.#compare(node, id, outcomes);
    }
    this.#outcomes.clear();
    this.#own.clear();
    this.#hasTakenPage = false;
  }

  #compare(node: WatchedNode<SwimMessage>, id: NodeId, outcomes: Outcomes): void {
    const now = node.protocol.member(id);
    const isExpected = outcomes.some(
      (fact) => fact?.state === now?.state && fact?.incarnation === now?.incarnation,
    );
    if (isExpected || (now === undefined && this.#isFull(node))) return;
    const wanted = outcomes.map(show).join(' or ');
    const isRefuted = now?.state === 'suspect' && outcomes.every((fact) => fact?.state === 'alive');
    const rule = isRefuted && outcomes.every((fact) => fact!.incarnation > now.incarnation) ? 8 : 7;
    violated(rule, node, `holds ${now?.name ?? id} ${show(now)} after what it was told, not ${wanted}`);
  }

  /** Updates: only who counts may say something of others. */
  #told(node: WatchedNode<SwimMessage>, from: KnownPeer, message: SwimMessage): void {
    const updates = updatesOf(message);
    if (updates.length === 0 || (message.type === 'ping' && message.to !== node.id)) return;
    // A joiner's ack makes it a member first.
    if (message.type === 'ack' && node.protocol.member(from.id)?.isActive !== true) return;
    for (const update of updates) {
      if (update.type === 'alive' && node.protocol.member(update.member.id) === update.member) continue;
      const senders = this.#held(node, from.id);
      const [sender] = senders;
      if (sender === undefined || senders.length > 1) return this.#outcomes.clear();
      const claim = claimOf(update);
      const isActive = sender.state === 'alive' || sender.state === 'suspect';
      const isOfItself = claim.id === from.id && (claim.state === 'alive' || claim.state === 'left');
      if (isActive || (sender.state === 'unreachable' && isOfItself)) this.#claimed(node, from, claim);
      // Whoever does not count changes nothing.
      else if (claim.id !== node.id) this.#outcomes.set(claim.id, this.#held(node, claim.id));
    }
  }

  /** A record of a page. What is not active there is no more than suspicious here (decisions 2). */
  #listed(node: WatchedNode<SwimMessage>, from: KnownPeer, record: Member): void {
    const { id, state, incarnation } = record;
    if (node.protocol.member(id) === record && state === 'alive') return;
    const isKnown = this.#held(node, id)[0] !== undefined;
    const { address } = record;
    if (!isKnown && state === 'suspect')
      this.#claimed(node, from, { id, state: 'alive', incarnation, address });
    this.#claimed(node, from, {
      id,
      state: state === 'unreachable' ? 'suspect' : state,
      incarnation,
      address,
    });
  }

  #claimed(node: WatchedNode<SwimMessage>, from: KnownPeer, claim: Claim): void {
    if (claim.id === node.id) return;
    const held = this.#held(node, claim.id);
    const isSingle = held.length === 1;
    const outcomes = isSingle
      ? this.#after(node, from, claim, held[0])
      : held.flatMap((one) => this.#after(node, from, claim, one));
    this.#outcomes.set(claim.id, outcomes);
  }

  #after(node: WatchedNode<SwimMessage>, from: KnownPeer, claim: Claim, held: Fact | undefined): Outcomes {
    if (held === undefined) {
      // Who listens at this node's own address was replaced by it.
      const isOther = claim.address === undefined || !sameAddress(claim.address, node.self.address);
      return [claim.state === 'alive' && isOther ? claim : undefined];
    }
    if (claim.incarnation - held.incarnation > this.#options.maxIncarnationJump) return [held];
    const isVerdict = claim.state === 'unreachable' && (held.state === 'alive' || held.state === 'suspect');
    const taken = overriddenBy(held, claim, from.id === claim.id);
    if (!isVerdict || taken === held) return [taken];
    const contradicted = overriddenBy(held, { state: 'suspect', incarnation: claim.incarnation }, false);
    const knowsBetter = this.#contacts.contradict(node, claim, this.#counts.at(node));
    if (knowsBetter === undefined) return [taken, contradicted];
    return [knowsBetter ? contradicted : taken];
  }

  /** As far as this input has come. */
  #held(node: WatchedNode<SwimMessage>, id: NodeId): Outcomes {
    return this.#outcomes.get(id) ?? [node.protocol.member(id)];
  }

  #isFull({ protocol: { view } }: WatchedNode<SwimMessage>): boolean {
    return view.members.length >= this.#options.maxMembers;
  }
}

function show(fact: Fact | undefined): string {
  return fact === undefined ? 'unknown' : `${fact.state} ${fact.incarnation}`;
}
