import { formatAddress } from '../../address.js';
import type { Timer } from '../../clock.js';
import type { LinkEvidence, Peer } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { VirtualClock } from '../clock/virtual-clock.js';
import type { Listeners } from './listeners.js';
import type { Paths } from './paths.js';
import type { Sockets } from './sockets.js';

/** A lost SYN is sent again after this long, then twice as long, as Linux does. */
const SYN_RETRY_MS = 1000;

/** A message on its way to a socket. */
export interface Outgoing<M> {
  readonly message: M;
  readonly token: number | undefined;
}

/** One attempt to connect, from the first SYN to the handshake's end. Settles once. */
export class PendingDial<M> {
  readonly from: Sockets<M>;
  readonly to: Peer;
  /** The address that is dialled, written out. */
  readonly toHost: string;
  /** What is sent once the link is there. */
  readonly waiting: Outgoing<M>[];
  /** Gives the dial up. */
  timeout: Timer | undefined;
  settled = false;
  readonly #ended: (evidence: LinkEvidence | undefined, by?: NodeId) => void;

  constructor(
    from: Sockets<M>,
    to: Peer,
    first: Outgoing<M>,
    ended: (evidence: LinkEvidence | undefined, by?: NodeId) => void,
  ) {
    this.from = from;
    this.to = to;
    this.toHost = formatAddress(to.address);
    this.waiting = [first];
    this.#ended = ended;
  }

  /** Sends the SYN, again and again until it is answered; `accepted` when a kernel takes it. */
  knock(
    clock: VirtualClock,
    paths: Paths,
    listeners: Listeners<M>,
    accepted: (target: Sockets<M>) => void,
    retryMs = SYN_RETRY_MS,
  ): void {
    const from = this.from.host;
    const to = this.toHost;
    const again = () =>
      void clock.setTimer(
        retryMs,
        () => this.settled || this.knock(clock, paths, listeners, accepted, retryMs * 2),
      );
    clock.setTimer(paths.latencyMs(from, to), () => {
      if (this.settled) return;
      const rule = paths.dialRule(to);
      const isLost = paths.isCut(from, to) || paths.isCut(to, from);
      if (isLost || rule === 'drop' || !paths.hasPower(to)) return again();
      const target = listeners.at(to);
      if (rule === 'allow' && target !== undefined) return accepted(target);
      clock.setTimer(paths.latencyMs(to, from), () => this.from.read(() => this.fail('refused')));
    });
  }

  fail(evidence: LinkEvidence, by?: NodeId): void {
    if (this.settled) return;
    this.abandon();
    this.#ended(evidence, by);
  }

  succeed(): void {
    this.abandon();
    this.#ended(undefined);
  }

  /** Nobody wants to know how it ends. */
  abandon(): void {
    this.settled = true;
    this.timeout?.cancel();
  }
}
