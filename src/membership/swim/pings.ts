import type { NodeId } from '../../node-id.js';
import type { KnownPeer } from '../protocol.js';
import { DIGEST_VERSION } from './messages.js';
import type { Ack, Digest, Ping, Update } from './messages.js';
import type { Parts } from './parts.js';

/** How a ping travels. */
export type PingVia = 'kept' | 'fresh' | 'verify';

/** Who wants to know of an ack. */
export interface PingOwner {
  acked(ping: SentPing, ack: Ack): void;
}

/** A ping under way. */
export interface SentPing {
  readonly seq: number;
  readonly to: KnownPeer;
  readonly via: PingVia;
  readonly sentAtMs: number;
  readonly owner: PingOwner | undefined;
}

/** Sends pings and acks, and finds the ping that an ack belongs to. Owners forget what they have sent. */
export class Pings {
  readonly #parts: Parts;
  readonly #sent = new Map<number, SentPing>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#sent.size;
  }

  /** Without an owner the ack is not waited for: the ping is only to be received. */
  send(to: KnownPeer, via: PingVia, owner: PingOwner | undefined, accusation?: Update): SentPing {
    const seq = this.#parts.nextNumber();
    const ping: SentPing = { seq, to, via, sentAtMs: this.#parts.world.now(), owner };
    if (owner !== undefined) this.#sent.set(seq, ping);
    this.#parts.count('pings');
    const updates = this.#parts.gossiper.piggyback(to.id, 'ping', accusation);
    if (this.#parts.isTraced && this.#isBuddy(to.id, updates[0])) this.#parts.trace('buddy', to.id);
    this.#parts.send(
      to,
      { type: 'ping', seq, to: to.id, digest: this.digest(), updates },
      { via, token: seq },
    );
    return ping;
  }

  /** Whether the first update of a ping is its target's own suspicion (Lifeguard §IV-C). */
  #isBuddy(target: NodeId, first: Update | undefined): boolean {
    return this.#parts.options.components.buddy && first?.type === 'suspect' && first.id === target;
  }

  get(seq: number): SentPing | undefined {
    return this.#sent.get(seq);
  }

  forget(ping: SentPing): void {
    this.#sent.delete(ping.seq);
  }

  clear(): void {
    this.#sent.clear();
  }

  /** The sum of this node's view. */
  digest(): Digest {
    const { table, queue } = this.#parts;
    return {
      version: DIGEST_VERSION,
      low: table.digest.low,
      high: table.digest.high,
      quiet: queue.size === 0,
    };
  }

  receivePing(from: KnownPeer, ping: Ping): void {
    const { self, table, strangers, gossiper, syncs, healer } = this.#parts;
    if (ping.to !== self.id) return this.#parts.count('pingsForOthers');
    strangers.updates(from, ping.updates);
    strangers.met(from);
    if (table.get(from.id)?.member.isActive === true) healer.contact();
    const updates = gossiper.withAck(from.id);
    const incarnation = this.#parts.self.incarnation;
    this.#parts.send(from, { type: 'ack', seq: ping.seq, incarnation, digest: this.digest(), updates });
    syncs.compare(from, ping.digest, false);
  }

  receiveAck(from: KnownPeer, ack: Ack): void {
    const { table, strangers, syncs, evidence } = this.#parts;
    const ping = this.#sent.get(ack.seq);
    if (ping === undefined || ping.to.id !== from.id) {
      this.#parts.count('lateAcks');
      return strangers.updates(from, ack.updates);
    }
    this.#sent.delete(ack.seq);
    const entry = table.get(from.id);
    if (entry !== undefined) {
      this.heard(from.id, ping.sentAtMs);
      evidence.succeeded(ping.sentAtMs);
    }
    // A joiner that was dialled back is a member by its ack; others must have refuted before their probe is judged.
    const isMember = strangers.isMember(from.id);
    if (isMember) strangers.updates(from, ack.updates);
    ping.owner?.acked(ping, ack);
    if (!isMember) strangers.updates(from, ack.updates);
    syncs.compare(from, ack.digest, true);
  }

  /** A member has answered a question that was asked at `askedAtMs`. */
  heard(id: NodeId, askedAtMs: number): void {
    const entry = this.#parts.table.get(id);
    if (entry === undefined) return;
    this.#parts.healer.contact();
    this.#parts.table.meet(entry);
    const couldRelay = entry.mayRelay;
    if (askedAtMs > entry.heardAtMs) entry.heardAtMs = askedAtMs;
    if (!couldRelay && entry.mayRelay) this.#parts.requests.regained();
    this.#parts.evidence.contradicted(entry, askedAtMs);
  }
}
