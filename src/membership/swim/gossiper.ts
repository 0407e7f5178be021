import type { NodeId } from '../../node-id.js';
import type { Peer } from '../protocol.js';
import type { Entry } from './entry.js';
import { retransmitLimit } from './formulas.js';
import type { Update } from './messages.js';
import { subjectOf } from './dissemination.js';
import type { Parts } from './parts.js';

const NOTHING: readonly Update[] = Object.freeze([]);
const FIRST_SECOND_MS = 1000;

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

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#startedAtMs = this.#parts.world.now();
    if (this.#parts.queue.size > 0) this.#arm(this.#parts.world.random());
  }

  /** Queues an update for everybody. */
  spread(update: Update): void {
    if (!this.#parts.queue.put(update)) this.#parts.count('updatesDropped');
    if (this.#roundToken === 0) this.#arm(this.#parts.world.random());
  }

  /** A gossip round: some random members get what is waiting. */
  round(): void {
    this.#roundToken = 0;
    const { options, table, queue } = this.#parts;
    // Whoever comes to a node that is alone gets its whole view.
    if (table.others.length === 0) return queue.clear();
    for (const entry of table.pick(options.gossipFanout, (other) => this.#mayDial(other))) {
      const updates = this.piggyback(entry.member.id);
      if (updates.length === 0) break;
      this.#send(entry.member, updates);
    }
    if (queue.size > 0) this.#arm(1);
  }

  /**
   * The updates that go with a ping or an ack to a member. What is held against it comes first (Lifeguard §IV-C, the
   * buddy rule, here for the unreachable too: it is how they learn that they have to refute).
   */
  piggyback(to: NodeId, first?: Update): readonly Update[] {
    const { table, queue, options } = this.#parts;
    const entry = table.get(to);
    const against = first ?? (entry === undefined ? undefined : this.#against(entry));
    if (against === undefined && queue.size === 0) return NOTHING;
    return queue.take(
      to,
      retransmitLimit(options.retransmitMultiplier, table.size),
      against === undefined ? [] : [against],
    );
  }

  /** One update to one peer, now. */
  tell(peer: Peer, update: Update): void {
    this.#send(peer, [update]);
  }

  /** An owner claims less than what is held of it: it learns that, and can refute. */
  answerStale(entry: Entry): void {
    this.#parts.count('staleClaims');
    this.tell(entry.member, this.held(entry));
  }

  /** One update to the fanout, now: a refutation cannot wait for the next round. */
  burst(update: Update, except: readonly (NodeId | undefined)[]): void {
    const fits = (entry: Entry): boolean => !except.includes(entry.member.id) && this.#mayDial(entry);
    for (const entry of this.#parts.table.pick(this.#parts.options.gossipFanout, fits))
      this.tell(entry.member, update);
  }

  /** Passes hard news on at its first receipt, to a few, once, at a limited rate (decisions 3). */
  forward(update: Update, from: NodeId): void {
    const { options, table, world } = this.#parts;
    if (!options.components.hardEvidence) return;
    const now = world.now();
    if (now - this.#forwardsSinceMs >= options.probeIntervalMs) {
      this.#forwardsSinceMs = now;
      this.#forwards = 0;
    }
    if (this.#forwards >= options.maxForwardsPerInterval) return this.#parts.count('forwardsDropped');
    this.#forwards++;
    const subject = subjectOf(update);
    const fits = (entry: Entry): boolean => {
      const id = entry.member.id;
      return id !== from && id !== subject && this.#mayDial(entry);
    };
    for (const entry of table.pick(options.forwardPeers, fits)) this.tell(entry.member, update);
  }

  /** What this node holds of a member, as an update. */
  held(entry: Entry): Update {
    const { member } = entry;
    return this.#against(entry) ?? { type: 'alive', member };
  }

  #against(entry: Entry): Update | undefined {
    const { id, state, incarnation } = entry.member;
    const self = this.#parts.self.id;
    switch (state) {
      case 'alive':
        return undefined;
      case 'suspect': {
        if (!this.#parts.options.components.buddy) return undefined;
        const { accuser, kind } = entry.suspicion ?? { accuser: self, kind: 'soft' };
        return { type: 'suspect', id, incarnation, accuser, kind };
      }
      case 'unreachable':
        return { type: 'unreachable', id, incarnation, by: self, kind: 'soft', witnesses: [] };
      case 'left':
        return { type: 'left', id, incarnation };
    }
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
