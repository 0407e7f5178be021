import type { TransportDeadlines } from './limits.js';
import type { LinkPool } from './link-pool.js';
import type { PeerLink } from './peer-link.js';
import type { SessionTimer, SessionWorld } from './world.js';

/** Looks in one ack timeout; an unanswered link is found after one to one and a half of them. */
const LOOKS_PER_TIMEOUT = 2;

/** What a look can find. */
export interface WatchFindings {
  /** Frames wait for their ack although the peer answers on the protocol lane. */
  unanswered(link: PeerLink): void;
  /** Nothing has happened for the idle time. */
  idle(link: PeerLink): void;
}

/**
 * Looks at all payload links a few times a second, so that no message costs a timer or a reading of the clock:
 * it compares counters with those of the look before.
 */
export class PayloadWatch implements SessionTimer {
  #running = false;

  constructor(
    readonly world: SessionWorld,
    readonly deadlines: TransportDeadlines,
    readonly links: LinkPool,
    readonly findings: WatchFindings,
  ) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.world.after(this.#periodMs, this);
  }

  stop(): void {
    this.#running = false;
    this.world.cancel(this);
  }

  fired(): void {
    if (!this.#running) return;
    this.#running = false;
    for (const link of [...this.links]) this.#look(link);
    if (this.links.size > 0) this.start();
  }

  #look(link: PeerLink): void {
    const peer = link.peer!;
    const { watched, out, incoming } = peer;
    const silent = out.unacked && out.acknowledged === watched.acknowledged;
    if (!silent) {
      watched.unansweredLooks = 0;
      watched.heard = peer.heard;
    } else {
      watched.unansweredLooks++;
    }
    const activity = out.sent + out.acknowledged + (incoming?.seen ?? 0);
    watched.idleLooks = activity === watched.activity && peer.idle ? watched.idleLooks + 1 : 0;
    watched.acknowledged = out.acknowledged;
    watched.activity = activity;
    if (watched.unansweredLooks >= LOOKS_PER_TIMEOUT && peer.heard > watched.heard) {
      watched.unansweredLooks = 0;
      this.findings.unanswered(link);
    } else if (watched.idleLooks * this.#periodMs >= this.deadlines.idleMs) {
      watched.idleLooks = 0;
      this.findings.idle(link);
    }
  }

  get #periodMs(): number {
    return this.deadlines.ackTimeoutMs / LOOKS_PER_TIMEOUT;
  }
}
