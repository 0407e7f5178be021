import type { MembershipEvent } from '../../membership/membership.js';
import type { Peer } from '../../membership/protocol.js';
import type { Page, SwimMessage, Update } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { NodeId } from '../../node-id.js';
import { sendsPerUpdate } from './bounds.js';
import type { Check, Input, WatchedNode } from './check.js';
import { recordsOf, updatesOf } from './claims.js';
import { MemberCount } from './member-count.js';
import { PerNode } from './per-node.js';
import { violated } from './violation.js';

/** The news about one member that a node is spreading. */
interface Spreading {
  type: Update['type'];
  incarnation: number;
  sends: number;
}

interface Sender {
  /** The latest news about each member. */
  readonly news: Map<NodeId, Spreading>;
  /** The largest n so far: an update that was queued then may be sent as often. */
  most: number;
  /** How often this node was told something of itself, which it may answer. */
  accusations: number;
  /** How many answers it owes to accusers of those who have left, by accuser and leaver. */
  readonly owed: Map<string, number>;
  /** What its latest answer or push has listed, by side and peer. */
  readonly listed: Map<string, Set<NodeId>>;
}

/**
 * Rule 15: each update is sent at most λ log n times per node, a suspicion K + 1 times as often (each accuser is one).
 *
 * Not counted are messages to the subject itself (the buddy rule, answers to stale claims). Beside the count each piece of
 * hard news is forwarded once, a refutation goes to accuser, messenger and fanout at once, and an old accusation is
 * answered each time that it is heard: by the accused, and to its own accuser by all who know that the accused has left.
 * Pages list a member once a sync and side.
 */
export class Retransmission implements Check<SwimMessage> {
  readonly #options: SwimOptions;
  readonly #counts = new MemberCount<SwimMessage>();
  readonly #senders = new PerNode<SwimMessage, Sender>(() => ({
    news: new Map(),
    most: 1,
    accusations: 0,
    owed: new Map(),
    listed: new Map(),
  }));
  /** Sent outside of the count. */
  readonly #extra: number;

  constructor(options: SwimOptions) {
    this.#options = options;
    this.#extra = options.forwardPeers + options.gossipFanout + 2;
  }

  started(node: WatchedNode<SwimMessage>): void {
    this.#senders.watch(node);
  }

  ended(node: WatchedNode<SwimMessage>): void {
    this.#senders.forget(node);
    this.#counts.ended(node);
  }

  event(node: WatchedNode<SwimMessage>, event: MembershipEvent): void {
    this.#counts.event(node, event);
    const sender = this.#senders.of(node);
    if (sender === undefined || event.type !== 'joined') return;
    sender.most = Math.max(sender.most, this.#counts.at(node));
    // It may have been known before, and forgotten.
    if (event.previous === undefined) sender.news.delete(event.member.id);
  }

  beforeInput(node: WatchedNode<SwimMessage>, input: Input<SwimMessage>): void {
    const sender = input.kind === 'receive' ? this.#senders.of(node) : undefined;
    if (input.kind !== 'receive' || sender === undefined) return;
    const { from, message } = input;
    for (const update of updatesOf(message))
      if (update.type !== 'alive' && update.id === node.id) sender.accusations++;
    for (const id of accusedIn(message, from.id)) {
      if (node.protocol.member(id)?.state !== 'left') continue;
      const key = pair(from.id, id);
      sender.owed.set(key, (sender.owed.get(key) ?? 0) + 1);
    }
  }

  sent(node: WatchedNode<SwimMessage>, to: Peer, message: SwimMessage): void {
    if (message.type === 'page') return this.#listed(node, to, message);
    const updates = updatesOf(message);
    if (updates.length === 0) return;
    const sender = this.#senders.of(node);
    if (sender === undefined) return;
    for (const update of updates) {
      const id = update.type === 'alive' ? update.member.id : update.id;
      if (id === to.id || (update.type === 'left' && isOwed(sender, to, id))) continue;
      this.#count(node, sender, id, update);
    }
  }

  #listed(node: WatchedNode<SwimMessage>, to: Peer, { index, side, members }: Page): void {
    const sender = this.#senders.of(node);
    if (sender === undefined || to.id === undefined || members.length === 0) return;
    const key = `${side} ${to.id}`;
    let listed = index === 0 ? undefined : sender.listed.get(key);
    if (listed === undefined) sender.listed.set(key, (listed = new Set()));
    for (const { id, name } of members) {
      if (listed.has(id)) violated(15, node, `has listed ${name} twice in one ${side}`);
      listed.add(id);
    }
  }

  #count(node: WatchedNode<SwimMessage>, sender: Sender, id: NodeId, update: Update): void {
    const incarnation = update.type === 'alive' ? update.member.incarnation : update.incarnation;
    const news = sender.news.get(id);
    if (news === undefined || news.type !== update.type || news.incarnation !== incarnation) {
      sender.news.set(id, { type: update.type, incarnation, sends: 1 });
      return;
    }
    news.sends++;
    const limit = sendsPerUpdate(this.#options, sender.most);
    const times = update.type === 'suspect' ? this.#options.suspicionConfirmations + 1 : 1;
    const answers = id === node.id ? sender.accusations : 0;
    if (news.sends <= limit * times + this.#extra + answers) return;
    violated(
      15,
      node,
      `has sent ${update.type} ${incarnation} of one member ${news.sends} times, not ${limit * times}`,
    );
  }
}

/** Whom a message accuses, or is about to, by its sender's own word. */
function accusedIn(message: SwimMessage, from: NodeId): readonly NodeId[] {
  if (message.type === 'pingReq') return [message.target];
  const accused: NodeId[] = [];
  for (const update of updatesOf(message)) {
    if (update.type === 'suspect' && update.accuser === from) accused.push(update.id);
    if (update.type === 'unreachable' && update.by === from) accused.push(update.id);
  }
  for (const { id, state } of recordsOf(message))
    if (state === 'suspect' || state === 'unreachable') accused.push(id);
  return accused;
}

/** Whether this send settles an answer that is owed. */
function isOwed(sender: Sender, to: Peer, id: NodeId): boolean {
  if (to.id === undefined) return false;
  const key = pair(to.id, id);
  const owed = sender.owed.get(key) ?? 0;
  if (owed > 1) sender.owed.set(key, owed - 1);
  else sender.owed.delete(key);
  return owed > 0;
}

function pair(accuser: NodeId, accused: NodeId): string {
  return `${accuser} ${accused}`;
}
