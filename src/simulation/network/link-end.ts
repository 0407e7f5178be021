import type { KnownPeer, LinkEvidence, Peer } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { EventLoop } from '../clock/event-loop.js';
import type { IoGate } from './io-gate.js';
import type { Sockets } from './sockets.js';

/** A process as its sockets see it. */
export interface Endpoint<M> {
  readonly self: KnownPeer;
  readonly loop: EventLoop;
  readonly gate: IoGate;
  received(from: KnownPeer, message: M): void;
  evidence(about: Peer, evidence: LinkEvidence, by?: NodeId): void;
  unsent(token: number): void;
}

/** What crosses a link: a message is the protocol's, the rest is the link's own. */
export type Item<M> =
  | { readonly kind: 'ready' | 'closed' | 'goodbye'; readonly message?: undefined }
  | { readonly kind: 'message'; readonly message: M };

/** One side of a link. */
export class LinkEnd<M> {
  other!: LinkEnd<M>;
  isOpen = true;
  /** A newer link took its place, on this side or the other: what arrives is dropped without a reset. */
  isFenced = false;
  /** Its place in its owner's pool; −1: it is in none. */
  poolIndex = -1;
  /** When the last item that was sent here arrives at the other side: nothing overtakes it. */
  lastArrivalMs = 0;
  /** Sent while the direction was cut: the kernel sends it again after the heal. */
  stalled: Item<M>[] | undefined;
  stalledSinceMs = 0;

  private constructor(
    readonly owner: Sockets<M>,
    readonly isVerify: boolean,
  ) {}

  /** The id of the process at the other side. */
  get peerId(): NodeId {
    return this.other.owner.endpoint.self.id;
  }

  /** Both ends of a new link; the near one is returned. */
  static pair<M>(near: Sockets<M>, far: Sockets<M>, isVerify: boolean): LinkEnd<M> {
    const end = new LinkEnd(near, isVerify);
    end.other = new LinkEnd(far, isVerify);
    end.other.other = end;
    return end;
  }
}
