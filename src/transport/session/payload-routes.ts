import { formatAddress } from '../../address.js';
import { NoRouteError } from '../../errors.js';
import { isFinal } from './handshake.js';
import type { LaneFailure } from './handshaker.js';
import type { TransportDeadlines } from './limits.js';
import type { Peer } from './peer.js';
import type { SessionWorld } from './world.js';

/** Between dials of a payload lane that has something to say: doubles from the first to the second. */
const FIRST_REDIAL_MS = 50;
const LAST_REDIAL_MS = 2000;
/** Where nobody ever answered, so many refusals are enough. */
const HOPELESS_REFUSALS = 3;

/**
 * When a payload lane is dialled, dialled again, and given up. Messages wait through short breaks; whether a
 * peer is gone is not decided here but by the node above, which then forgets it.
 */
export class PayloadRoutes {
  constructor(
    readonly world: SessionWorld,
    readonly deadlines: TransportDeadlines,
    readonly dial: (peer: Peer) => void,
  ) {}

  /** Dials, if something waits and nothing is under way. */
  want(peer: Peer): void {
    const { payload } = peer;
    if (payload.link !== undefined || payload.coming || peer.redialling || peer.forgotten) return;
    if (peer.out.pending) this.dial(peer);
  }

  /** The time between two dials is over. */
  redial(peer: Peer): void {
    peer.redialling = false;
    this.want(peer);
  }

  /** An established link broke: another at once, unless that has just been tried in vain. */
  lost(peer: Peer): void {
    if (peer.failures > 0) {
      this.failed(peer, { kind: 'ended' });
    } else if (peer.out.pending) {
      this.#count(peer);
      this.want(peer);
    }
  }

  /** Nothing came of a dial, or of several links in a row. */
  failed(peer: Peer, failure: LaneFailure): void {
    if (!peer.out.pending || peer.redialling || peer.forgotten) return;
    const where = formatAddress(peer.address);
    if (failure.refused !== undefined && isFinal(failure.refused.reason)) {
      const { reason, detail } = failure.refused;
      peer.out.abandon(`${where} refuses this node (${reason}: ${detail})`);
      return;
    }
    this.#count(peer);
    if (this.#hopeless(peer, failure)) {
      const why = failure.report ?? 'the connection breaks';
      peer.failures = 0;
      peer.out.abandon(
        `${where} cannot be reached (${why})`,
        (text) => new NoRouteError(`${text}; the message was not delivered`),
      );
      return;
    }
    const delayMs = Math.min(LAST_REDIAL_MS, FIRST_REDIAL_MS * 2 ** (peer.failures - 1));
    peer.redialling = true;
    this.world.after(delayMs * (0.5 + this.world.random()), peer);
  }

  #hopeless(peer: Peer, { report }: LaneFailure): boolean {
    if (this.world.now() - peer.failingSinceMs >= this.deadlines.routeMs) return true;
    const wrongPlace = report === 'refused' || report === 'replaced';
    const neverMet = !peer.out.met && peer.incoming === undefined;
    return wrongPlace && neverMet && peer.failures >= HOPELESS_REFUSALS;
  }

  #count(peer: Peer): void {
    if (peer.failures++ === 0) peer.failingSinceMs = this.world.now();
  }
}
