import { formatAddress } from '../../address.js';
import type { LinkEvidence, Peer } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { Paths } from './paths.js';
import type { Endpoint } from './simulated-links.js';
import type { VirtualClock } from '../clock/virtual-clock.js';

/** A lost SYN is sent again after this long, then twice as long, as Linux does. */
const SYN_RETRY_MS = 1000;

/** A message on its way to a socket. */
export interface Outgoing<M> {
  readonly message: M;
  readonly token: number | undefined;
}

/** One attempt to connect, from the first SYN to the handshake's end. Settles once. */
export class PendingDial<M> {
  readonly from: Endpoint<M>;
  readonly to: Peer;
  /** What is sent once the link is there. */
  readonly waiting: Outgoing<M>[];
  settled = false;
  readonly #ended: (evidence: LinkEvidence | undefined, by?: NodeId) => void;

  constructor(
    from: Endpoint<M>,
    to: Peer,
    first: Outgoing<M>,
    ended: (evidence: LinkEvidence | undefined, by?: NodeId) => void,
  ) {
    this.from = from;
    this.to = to;
    this.waiting = [first];
    this.#ended = ended;
  }

  /** Sends the SYN, again and again until it is answered; `accepted` when a kernel takes it. */
  knock(
    clock: VirtualClock,
    paths: Paths,
    listening: ReadonlyMap<string, Endpoint<M>>,
    accepted: (target: Endpoint<M>) => void,
    retryMs = SYN_RETRY_MS,
  ): void {
    const from = formatAddress(this.from.self.address);
    const to = formatAddress(this.to.address);
    const again = () =>
      void clock.setTimer(
        retryMs,
        () => this.settled || this.knock(clock, paths, listening, accepted, retryMs * 2),
      );
    clock.setTimer(paths.latencyMs(from, to), () => {
      if (this.settled) return;
      const rule = paths.dialRule(to);
      const isLost = paths.isCut(from, to) || paths.isCut(to, from);
      if (isLost || rule === 'drop' || !paths.hasPower(to)) return again();
      const target = listening.get(to);
      if (rule === 'allow' && target !== undefined) return accepted(target);
      clock.setTimer(paths.latencyMs(to, from), () => this.from.loop.input(() => this.fail('refused')));
    });
  }

  fail(evidence: LinkEvidence, by?: NodeId): void {
    if (this.settled) return;
    this.settled = true;
    this.#ended(evidence, by);
  }

  succeed(): void {
    this.settled = true;
    this.#ended(undefined);
  }
}
