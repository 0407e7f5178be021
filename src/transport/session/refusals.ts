import { formatAddress } from '../../address.js';
import { clip, HandshakeError, type HandshakeRefusal } from '../../errors.js';
import type { ThrottledLog } from '../../throttled-log.js';
import type { RefuseFrame } from './frame.js';
import type { PeerLink } from './peer-link.js';
import type { Counters, SessionWorld } from './world.js';

/** Handshakes that were refused, by either side: counted, logged, and reported to the node above. */
export class Refusals {
  constructor(
    readonly world: SessionWorld,
    readonly notices: ThrottledLog,
    readonly counters: Counters,
  ) {}

  /** The other side refused. */
  byPeer(link: PeerLink, { reason, detail }: RefuseFrame): void {
    const text = clip(detail);
    this.#tell(
      link,
      reason,
      text,
      `refused-${reason}`,
      `${whoIs(link)} refused the handshake (${reason}): ${text}`,
    );
  }

  /** We refused. */
  ofPeer(link: PeerLink, { reason, detail }: RefuseFrame): void {
    const line = `Refused a handshake of ${link.remote} (${reason}): ${detail}`;
    this.#tell(link, reason, detail, `turned-away-${reason}`, line);
  }

  /** The connection could not be secured, before anything was said on it. */
  insecure(link: PeerLink, error: HandshakeError): void {
    this.#count(error.reason);
    this.notices.warn(`insecure-${link.role}`, error.message);
    this.world.refused({ remote: link.remote, address: link.address }, error);
  }

  #tell(link: PeerLink, reason: HandshakeRefusal, detail: string, about: string, line: string): void {
    this.#count(reason);
    if (reason === 'self') return;
    this.notices.warn(about, line);
    const { remote, address } = link;
    this.world.refused({ remote, address }, new HandshakeError(whoIs(link), reason, detail));
  }

  #count(word: string): void {
    const { closedFor } = this.counters;
    closedFor[word] = (closedFor[word] ?? 0) + 1;
  }
}

function whoIs(link: PeerLink): string {
  return link.wanted === undefined ? link.remote : formatAddress(link.wanted.address);
}
