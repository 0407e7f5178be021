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
    // One line for each cause: what a stranger provokes must not hide why a friend is refused.
    this.notices.warn(`insecure-${link.role} ${causeOf(error)}`, error.message);
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

/** The words of an error, without what differs from peer to peer. */
function causeOf({ message }: HandshakeError): string {
  return message
    .slice(message.indexOf('(security)'))
    .replaceAll(/[0-9a-f]{16}|".*"/g, '')
    .slice(0, 80);
}

function whoIs(link: PeerLink): string {
  return link.wanted === undefined ? link.remote : formatAddress(link.wanted.address);
}
