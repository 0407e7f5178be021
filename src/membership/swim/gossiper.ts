import type { NodeId } from '../../node-id.js';
import type { Member, MemberState } from '../membership.js';
import type { KnownPeer, Peer } from '../protocol.js';
import type { Entry } from './entry.js';
import { retransmitLimit } from './formulas.js';
import type { Update } from './messages.js';
import { subjectOf } from './dissemination.js';
import type { Parts } from './parts.js';

const NOTHING: readonly Update[] = Object.freeze([]);
const NOBODY: readonly Entry[] = Object.freeze([]);
const FIRST_SECOND_MS = 1000;
/** Direct answers to what one peer says, or is said of it, in a gossip interval; one frame can hold 256 provocations. */
const MAX_ANSWERS = 8;

const anybody = (): boolean => true;

/** What updates travel on. */
export type Carrier = 'ping' | 'ack' | 'gossip';

/**
 * Spreads updates: on pings and acks, in gossip rounds, and at once where waiting costs too much. Rounds run only while
 * something waits.
 */
export class Gossiper {
  readonly #parts: Parts;
  #roundToken = 0;
  #startedAtMs = 0;
  #dials = 0;
  #forwards = 0;
  #forwardsSinceMs = Number.NEGATIVE_INFINITY;
  /** Of the current gossip interval: how many direct answers each peer has got, and who has got news with an ack. */
  readonly #answers = new Map<NodeId, number>();
  readonly #newsWithAcks = new Set<NodeId>();
  #windowSinceMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#startedAtMs = this.#parts.world.now();
    if (this.#parts.queue.size > 0) this.#arm(this.#parts.world.random());
  }

  /**
   * Queues an update for everybody. `from`: who has told it. Without infection only this node's own news go out, at once
   * to each other member (SWIM §3.2), and others' end here.
   */
  spread(update: Update, from: NodeId): void {
    if (!this.#parts.options.components.infection) {
      if (from === this.#parts.self.id) this.#multicast(update);
      return;
    }
    if (!this.#parts.queue.put(update, this.#isOfFlood(update))) this.#parts.count('updatesDropped');
    if (this.#roundToken === 0) this.#arm(this.#parts.world.random());
  }

  /** A joiner that this node has admitted is its own news: others hear of it from here. */
  vouch(member: Member): void {
    if (!this.#parts.options.components.infection) this.#multicast({ type: 'alive', member });
  }

  /** A gossip round: some random members get what is waiting. */
  round(): void {
    this.#roundToken = 0;
    const { options, table, queue } = this.#parts;
    // Whoever comes to a node that is alone gets its whole view.
    if (table.others.length === 0) return queue.clear();
    const lost = this.#lostOfRound();
    const fanout = options.gossipFanout - lost.length;
    for (const entry of [...lost, ...this.#targets(fanout, anybody)]) {
      const updates = this.piggyback(entry.member.id, 'gossip');
      if (updates.length > 0) this.#send(entry.member, updates);
    }
    if (queue.size > 0) this.#arm(1);
  }

  /**
   * Random members; all but one over links that are open where a link costs more than the news: in a cluster with more
   * members than links, and while this node is young. Nodes that start together would dial each other all at once.
   */
  #targets(count: number, fits: (entry: Entry) => boolean): Entry[] {
    const { table, options } = this.#parts;
    const overLinks = table.size > options.gossipOverLinksAbove || this.#isYoung || table.isFlooded;
    const near = overLinks ? table.pick(count - 1, (entry) => entry.linked && fits(entry)) : [];
    const mayFollow = (entry: Entry): boolean => !near.includes(entry) && fits(entry) && this.#mayDial(entry);
    return [...near, ...table.pick(count - near.length, mayFollow)];
  }

  /**
   * The updates that go to a member with a message. What is held against it comes first (Lifeguard §IV-C, the buddy rule,
   * here for the unreachable too: it is how they learn that they have to refute).
   */
  piggyback(to: NodeId, carrier: Carrier, first?: Update): readonly Update[] {
    const { table, queue, options } = this.#parts;
    const entry = table.get(to);
    const against = first ?? (entry === undefined ? undefined : this.#against(entry, carrier));
    if (against === undefined && queue.size === 0) return NOTHING;
    return queue.take(
      to,
      retransmitLimit(options.retransmitMultiplier, table.size),
      against === undefined ? [] : [against],
    );
  }

  /**
   * What goes with an ack. News is sent a limited number of times, so it goes to members only, and once a gossip interval to
   * each: whoever pings in a loop would use it up, and nobody else would hear.
   */
  withAck(to: NodeId): readonly Update[] {
    this.#turnWindow();
    const entry = this.#parts.table.get(to);
    if (entry === undefined) return NOTHING;
    if (entry.member.state !== 'left' && !this.#newsWithAcks.has(to)) {
      const updates = this.piggyback(to, 'ack');
      if (updates.length > 0) this.#newsWithAcks.add(to);
      return updates;
    }
    const against = this.#against(entry, 'ack');
    return against === undefined ? NOTHING : [against];
  }

  /** One update to one peer, now. */
  tell(peer: Peer, update: Update): void {
    this.#send(peer, [update]);
  }

  /** The same in answer to what came from outside, so at a limited rate: what is left out is provoked again, if it matters. */
  answer(peer: KnownPeer, update: Update): void {
    this.#turnWindow();
    const answers = this.#answers.get(peer.id) ?? 0;
    if (answers >= MAX_ANSWERS) return this.#parts.count('answersDropped');
    this.#answers.set(peer.id, answers + 1);
    this.tell(peer, update);
  }

  /** An owner claims less than what is held of it: it learns that, and can refute. */
  answerStale(entry: Entry): void {
    if (!this.#mayAnswer(entry.member.state)) return;
    this.#parts.count('staleClaims');
    this.#parts.trace('stale-answered', entry.member.id);
    this.answer(entry.member, this.held(entry));
  }

  /** One update to the fanout, now: a refutation cannot wait for the next round. */
  burst(update: Update, except: readonly (NodeId | undefined)[]): void {
    const fits = (entry: Entry): boolean => !except.includes(entry.member.id);
    for (const entry of this.#targets(this.#parts.options.gossipFanout, fits))
      this.tell(entry.member, update);
  }

  /** Passes hard news on at its first receipt, to a few, once, at a limited rate (decisions 3). */
  forward(update: Update, from: NodeId): void {
    const { options, world } = this.#parts;
    if (!options.components.hardEvidence || !options.components.infection || this.#isOfFlood(update)) return;
    const now = world.now();
    if (now - this.#forwardsSinceMs >= options.probeIntervalMs) {
      this.#forwardsSinceMs = now;
      this.#forwards = 0;
    }
    if (this.#forwards >= options.maxForwardsPerInterval) return this.#parts.count('forwardsDropped');
    this.#forwards++;
    const subject = subjectOf(update);
    const fits = ({ member: { id } }: Entry): boolean => id !== from && id !== subject;
    for (const entry of this.#targets(options.forwardPeers, fits)) this.tell(entry.member, update);
  }

  /** What this node holds of a member, as an update. */
  held(entry: Entry): Update {
    const { id, state, incarnation } = entry.member;
    const self = this.#parts.self.id;
    switch (state) {
      case 'alive':
        return { type: 'alive', member: entry.member };
      case 'suspect': {
        const { accuser, kind } = entry.suspicion ?? { accuser: self, kind: 'soft' };
        return { type: 'suspect', id, incarnation, accuser, kind };
      }
      case 'unreachable':
        return { type: 'unreachable', id, incarnation, by: self, kind: 'soft', witnesses: [] };
      case 'left':
        return { type: 'left', id, incarnation };
    }
  }

  /** What is held against a member, if it is to be told so by whatever goes to it. */
  #against(entry: Entry, carrier: Carrier): Update | undefined {
    const { state } = entry.member;
    if (state === 'alive' || !this.#mayAnswer(state)) return undefined;
    // The paper's buddy rule is about pings.
    const isWaiting =
      state === 'suspect' && carrier !== 'ping' && !this.#parts.options.components.fastRefutation;
    return isWaiting ? undefined : this.held(entry);
  }

  /** The lost ones that this round's members include by chance, where they are still told (memberlist). */
  #lostOfRound(): readonly Entry[] {
    const { options, table, world } = this.#parts;
    if (options.gossipToLostMs === 0 || table.buried.size === 0) return NOBODY;
    const sinceMs = world.now() - options.gossipToLostMs;
    const lost = [...table.buried].filter(
      ({ member, buriedAtMs }) => member.state === 'unreachable' && buriedAtMs > sinceMs,
    );
    const chosen: Entry[] = [];
    for (let place = 0; place < options.gossipFanout && lost.length > 0; place++) {
      const at = Math.floor(world.random() * (lost.length + table.others.length - place + chosen.length));
      if (at < lost.length) chosen.push(...lost.splice(at, 1));
    }
    return chosen;
  }

  /** Whether a member is told of itself that it is in this state: a suspect is by the buddy rule, the lost to come back. */
  #mayAnswer(state: MemberState): boolean {
    const { buddy, revival } = this.#parts.options.components;
    return state === 'suspect' ? buddy : state !== 'unreachable' || revival;
  }

  /** About somebody whom this node has never met, while there are far too many of those. */
  #isOfFlood(update: Update): boolean {
    const { table } = this.#parts;
    return table.isFlooded && table.get(subjectOf(update))?.isMet === false;
  }

  #turnWindow(): void {
    const now = this.#parts.world.now();
    if (now - this.#windowSinceMs < this.#parts.options.gossipIntervalMs) return;
    this.#windowSinceMs = now;
    this.#answers.clear();
    this.#newsWithAcks.clear();
  }

  #multicast(update: Update): void {
    for (const { member } of [...this.#parts.table.others]) this.tell(member, update);
  }

  get #isYoung(): boolean {
    const { world, options } = this.#parts;
    return world.now() - this.#startedAtMs < options.gossipOverLinksForIntervals * options.probeIntervalMs;
  }

  /** A node that has just started does not dial the whole cluster at once (decisions 9). */
  #mayDial(entry: Entry): boolean {
    if (entry.linked || this.#parts.world.now() - this.#startedAtMs >= FIRST_SECOND_MS) return true;
    if (this.#dials >= this.#parts.options.maxDialsInFirstSecond) return false;
    this.#dials++;
    return true;
  }

  #send(to: Peer, updates: readonly Update[]): void {
    this.#parts.count('gossipFrames');
    this.#parts.send(to, { type: 'gossip', updates });
  }

  #arm(share: number): void {
    if (this.#parts.options.gossipFanout === 0) return;
    this.#roundToken = this.#parts.timers.after(this.#parts.options.gossipIntervalMs * share, 'gossip');
  }
}
