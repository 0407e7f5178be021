import type { Peer } from './peer.js';
import type { Cast, PeerLink } from './peer-link.js';
import type { SessionWorld } from './world.js';

/** Which link a message of the protocol lane takes, and what becomes of those that wait for one. */
export class CastRoutes {
  /** The link whose message the node is handling: an answer goes back the way the question came. */
  #answering: PeerLink | undefined;

  constructor(
    readonly world: SessionWorld,
    readonly queueLimit: number,
    readonly dial: (peer: Peer, purpose: 'protocol' | 'verify') => PeerLink,
  ) {}

  cast(peer: Peer, cast: Cast, via: 'kept' | 'fresh' | 'verify'): void {
    if (via === 'verify') this.dial(peer, 'verify').casts.push(cast);
    else if (via === 'fresh' || !this.#now(peer, cast)) this.#later(peer, cast);
  }

  received(link: PeerLink, body: unknown): void {
    link.usedAtMs = this.world.now();
    const before = this.#answering;
    this.#answering = link;
    this.world.protocolMessage(link.proven!, body);
    this.#answering = before;
  }

  /** No link is to come for those that wait. */
  failed(peer: Peer): void {
    for (const cast of peer.casts.splice(0)) this.unsent(cast);
  }

  unsent(cast: Cast): void {
    if (cast.unsent !== undefined) this.world.unsent(cast.unsent);
  }

  #now(peer: Peer, cast: Cast): boolean {
    const answering = this.#answering;
    const link =
      answering !== undefined && answering.peer === peer && answering.state === 'established'
        ? answering
        : (peer.protocol.link ?? establishedOf(peer.verify));
    if (link === undefined) return false;
    link.usedAtMs = this.world.now();
    link.sendCast(cast);
    return true;
  }

  #later(peer: Peer, cast: Cast): void {
    if (peer.casts.length >= this.queueLimit) {
      this.unsent(cast);
      return;
    }
    peer.casts.push(cast);
    if (!peer.protocol.coming) this.dial(peer, 'protocol');
  }
}

function establishedOf(links: Iterable<PeerLink>): PeerLink | undefined {
  for (const link of links) if (link.state === 'established') return link;
  return undefined;
}
