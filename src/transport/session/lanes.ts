import type { GoodbyeFrame } from './frame.js';
import type { TransportLimits } from './limits.js';
import { LinkPool } from './link-pool.js';
import type { Lane, Peer } from './peer.js';
import type { PeerLink } from './peer-link.js';
import type { SessionWorld } from './world.js';

/** Which established link serves which lane, and how links take and leave their place. */
export class Lanes {
  readonly protocolPool: LinkPool;
  readonly payloadPool: LinkPool;
  /** Those that peers have dialled to see who is there: strangers can, so they get no more room than the protocol. */
  readonly verifyPool: LinkPool;

  /** @param vacated a lane was left on purpose; it may be wanted again at once */
  constructor(
    readonly world: SessionWorld,
    limits: TransportLimits,
    readonly vacated: (link: PeerLink) => void,
  ) {
    this.protocolPool = new LinkPool(limits.protocolLinks, () => world.random());
    this.payloadPool = new LinkPool(limits.payloadLinks, () => world.random());
    this.verifyPool = new LinkPool(limits.protocolLinks, () => world.random());
  }

  /** An established link takes its lane; the one before is closed, and another one if the pool is over its limit. */
  take(link: PeerLink, lane: Lane): void {
    const old = lane.link;
    if (old !== undefined && old !== link) {
      this.vacate(old);
      old.leave('replaced');
    }
    lane.link = link;
    lane.awaiting = false;
    if (lane.held !== undefined && lane.held !== link) lane.held.leave('replaced');
    lane.held = undefined;
    const pool = this.#pool(link);
    pool.add(link);
    const victim = pool.excess(link, (other) => this.#busyness(other));
    if (victim !== undefined) this.#evict(victim);
  }

  /** A verify link is established. */
  verify(link: PeerLink): void {
    for (const cast of link.casts.splice(0)) link.sendCast(cast);
    if (link.role === 'dialled') return;
    this.verifyPool.add(link);
    const victim = this.verifyPool.excess(link, (other) => this.#busyness(other));
    if (victim !== undefined) this.leave(victim, 'idle');
  }

  /** Takes a link out of its place; it stays as it is. */
  vacate(link: PeerLink): void {
    const peer = link.peer!;
    if (link.purpose === 'verify') {
      peer.verify.delete(link);
      this.verifyPool.delete(link);
      return;
    }
    const lane = peer.lane(link.purpose);
    if (lane.link === link) lane.link = undefined;
    this.#pool(link).delete(link);
    if (link.purpose !== 'payload') return;
    peer.out.detach(link.raw);
    peer.incoming?.detach(link.raw);
  }

  /** Closes an established link on purpose. */
  leave(link: PeerLink, reason: GoodbyeFrame['reason']): void {
    this.vacate(link);
    this.world.cancel(link);
    link.leave(reason);
    this.vacated(link);
  }

  /** Closes everything that leads to a peer or is about to, with a goodbye where somebody hears it. */
  close(peer: Peer, goodbye: GoodbyeFrame['reason'] | undefined): void {
    const links = [...peer.verify, ...peer.protocol.clear(), ...peer.payload.clear()];
    peer.redialling = false;
    for (const timer of [peer, peer.protocol, peer.payload]) this.world.cancel(timer);
    for (const link of links) {
      const established = link.state === 'established';
      if (established || link.purpose === 'verify') this.vacate(link);
      this.world.cancel(link);
      if (established && goodbye !== undefined) link.leave(goodbye);
      else link.drop();
    }
  }

  /** Our own node is told too: it would take a refused dial for a firewall's while it believes in an open link (ADR 9). */
  #evict(link: PeerLink): void {
    this.leave(link, 'idle');
    if (link.purpose === 'protocol') this.world.link(link.proven!, 'goodbye');
  }

  /** 0 for a link that can be closed without harm; a protocol link is the busier the later it was used. */
  #busyness(link: PeerLink): number {
    if (link.purpose === 'payload') return Number(!link.peer!.idle);
    return 1 / (1 + this.world.now() - link.usedAtMs);
  }

  #pool(link: PeerLink): LinkPool {
    return link.purpose === 'payload' ? this.payloadPool : this.protocolPool;
  }
}
