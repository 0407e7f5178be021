import type { Address } from '../../address.js';
import { ProtocolViolationError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Dial, DialOutcome, Link, LinkHandler } from '../link.js';
import type { Destination, ProvenPeer } from '../transport.js';
import { Fifo } from './fifo.js';
import type {
  Frame,
  GoodbyeFrame,
  HelloFrame,
  LinkPurpose,
  ReadyFrame,
  RefuseFrame,
  WelcomeFrame,
} from './frame.js';
import type { Peer } from './peer.js';
import type { SessionTimer } from './world.js';

/** See the table in docs/PROTOCOL.md, "Links". */
export type LinkState =
  /** We dial; there is no connection yet. */
  | 'connecting'
  /** We dialled and introduced ourselves. */
  | 'hello-sent'
  /** We accepted; nobody has spoken. */
  | 'awaiting-hello'
  /** A hello that crosses our own dial and waits for that to end. */
  | 'held'
  /** We answered a hello. */
  | 'welcome-sent'
  /** We answered a hello that was meant for another node. */
  | 'misdirected'
  | 'established'
  | 'ended';

/** A message of the protocol lane that waits for its link, or for the kernel. */
export interface Cast {
  readonly body: unknown;
  readonly unsent: (() => void) | undefined;
}

/** What links tell before they are established. */
export interface HandshakeSteps {
  opened(link: PeerLink): void;
  hello(link: PeerLink, frame: HelloFrame): void;
  welcome(link: PeerLink, frame: WelcomeFrame): void;
  ready(link: PeerLink, frame: ReadyFrame): void;
  refused(link: PeerLink, frame: RefuseFrame): void;
}

/** What the links of an endpoint tell it. */
export interface LinkOwner {
  readonly handshaker: HandshakeSteps;
  dialFailed(link: PeerLink, report: 'refused' | 'silent' | 'local', error: unknown): void;
  goodbye(link: PeerLink, frame: GoodbyeFrame): void;
  protocolMessage(link: PeerLink, body: unknown): void;
  violated(link: PeerLink, violation: string, detail: string): void;
  lost(link: PeerLink, error: unknown): void;
  deadline(link: PeerLink): void;
  unsent(cast: Cast): void;
  /** The link below is gone for good; said once, also after it was closed from this side. */
  finished(link: PeerLink): void;
  /** All that one read brought has been given. */
  turnEnded(): void;
}

/** One link, its place in the handshake, and whom it leads to. */
export class PeerLink implements LinkHandler, DialOutcome, SessionTimer {
  state: LinkState;
  /** Whose link it is: known from the start for a dial, from the hello for an accepted one. */
  peer: Peer | undefined;
  /** What the handshake proved. */
  proven: ProvenPeer | undefined;
  offered: HelloFrame | undefined;
  /** Casts of a verify link before it is established. */
  readonly casts: Cast[] = [];
  /** Place in its pool; −1 outside. */
  poolIndex = -1;
  /** When the protocol lane last carried something; for eviction. */
  usedAtMs = 0;
  #link: Link | undefined;
  #dial: Dial | undefined;
  #given = 0;
  readonly #unflushed = new Fifo<{ readonly cast: Cast; readonly index: number }>();

  constructor(
    readonly owner: LinkOwner,
    readonly role: 'dialled' | 'accepted',
    public purpose: LinkPurpose,
    /** Whom we dialled. */
    readonly wanted: Destination | undefined,
  ) {
    this.state = role === 'dialled' ? 'connecting' : 'awaiting-hello';
  }

  get remote(): string {
    return this.#link?.remote ?? 'nobody';
  }

  /** The link below; there is one from `hello-sent` or `awaiting-hello` on. */
  get raw(): Link {
    return this.#link!;
  }

  get hasConnection(): boolean {
    return this.#link !== undefined;
  }

  get id(): NodeId | undefined {
    return this.proven?.id;
  }

  get address(): Address | undefined {
    return this.proven?.address ?? this.wanted?.address ?? this.offered?.address;
  }

  dialling(dial: Dial): void {
    this.#dial = dial;
  }

  use(link: Link): this {
    this.#link = link;
    return this;
  }

  send(frame: Frame): void {
    this.#given++;
    this.#link!.send(frame);
  }

  sendCast(cast: Cast): void {
    this.send({ type: 'protocol', body: cast.body });
    if (cast.unsent === undefined) return;
    this.#forgetFlushed();
    this.#unflushed.push({ cast, index: this.#given });
  }

  /** Says why, lets what is queued be written, and closes. */
  leave(reason: GoodbyeFrame['reason']): void {
    if (this.state === 'ended') return;
    if (this.#link === undefined) {
      this.drop();
      return;
    }
    this.state = 'ended';
    this.#link.send({ type: 'goodbye', reason });
    this.#link.end();
  }

  refuse(frame: RefuseFrame): void {
    this.state = 'ended';
    this.#link!.send(frame);
    this.#link!.end();
  }

  /** Closes at once; casts that the kernel has not got are reported. */
  drop(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.#dial?.cancel();
    this.#tellUnsent();
    this.#link?.abort();
  }

  // --- what the dial and the link report ---

  opened(link: Link): LinkHandler {
    this.#link = link;
    this.#dial = undefined;
    if (this.state === 'ended') link.destroy();
    else this.owner.handshaker.opened(this);
    return this;
  }

  failed(report: 'refused' | 'silent' | 'local', error: unknown): void {
    this.#dial = undefined;
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.owner.dialFailed(this, report, error);
  }

  frame(frame: Frame): void {
    if (this.state === 'established') this.#established(frame);
    else if (this.state !== 'ended') this.#handshaking(frame);
  }

  batchEnd(): void {
    this.owner.turnEnded();
  }

  drained(): void {
    if (this.state === 'established' && this.purpose === 'payload') this.peer!.out.drained();
  }

  closed(error?: unknown): void {
    this.#closedBelow(error);
    this.owner.finished(this);
  }

  #closedBelow(error: unknown): void {
    if (this.state === 'ended') return;
    if (error instanceof ProtocolViolationError) {
      this.owner.violated(this, error.violation, error.message);
      return;
    }
    this.owner.lost(this, error);
  }

  fired(): void {
    if (this.state !== 'ended') this.owner.deadline(this);
  }

  /** The owner has taken note that the link is gone. */
  end(): void {
    this.state = 'ended';
    this.#tellUnsent();
  }

  #established(frame: Frame): void {
    if (this.purpose === 'payload') {
      this.#payload(frame);
    } else if (frame.type === 'protocol') {
      this.owner.protocolMessage(this, frame.body);
    } else {
      this.#common(frame);
    }
  }

  #payload(frame: Frame): void {
    const peer = this.peer!;
    switch (frame.type) {
      case 'data': {
        const violation = peer.incoming!.data(frame);
        if (violation !== undefined)
          this.owner.violated(this, violation, `Data frame ${frame.seq}: ${violation}`);
        return;
      }
      case 'ack':
        peer.failures = 0;
        if (!peer.out.acked(frame.expected)) {
          this.owner.violated(
            this,
            'sequence-gap',
            `Frame ${frame.expected - 1} was acknowledged and never sent`,
          );
        }
        return;
      case 'reject':
        peer.out.rejected(frame);
        return;
      case 'credit':
        peer.out.credited(frame);
        return;
      case 'permit-request': {
        const violation = peer.incoming!.permitRequest(frame);
        if (violation !== undefined)
          this.owner.violated(this, violation, `Permit for ${frame.bytes} bytes asked`);
        return;
      }
      case 'permit':
        peer.out.permitted(frame);
        return;
      default:
        this.#common(frame);
    }
  }

  #handshaking(frame: Frame): void {
    const { state } = this;
    if (frame.type === 'hello' && (state === 'awaiting-hello' || state === 'hello-sent')) {
      this.owner.handshaker.hello(this, frame);
    } else if (frame.type === 'welcome' && state === 'hello-sent') {
      this.owner.handshaker.welcome(this, frame);
    } else if (frame.type === 'ready' && state === 'welcome-sent') {
      this.owner.handshaker.ready(this, frame);
    } else if (frame.type === 'refuse' && (state === 'hello-sent' || state === 'welcome-sent')) {
      this.owner.handshaker.refused(this, frame);
    } else {
      this.#common(frame);
    }
  }

  #common(frame: Frame): void {
    if (frame.type === 'goodbye') this.owner.goodbye(this, frame);
    else
      this.owner.violated(
        this,
        'unexpected-frame',
        `A ${frame.type} frame came while the link was ${this.state}`,
      );
  }

  #forgetFlushed(): void {
    const flushed = this.#link!.flushedFrames;
    for (
      let next = this.#unflushed.peek();
      next !== undefined && next.index <= flushed;
      next = this.#unflushed.peek()
    ) {
      this.#unflushed.shift();
    }
  }

  #tellUnsent(): void {
    for (const cast of this.casts.splice(0)) this.owner.unsent(cast);
    if (this.#link === undefined) return;
    this.#forgetFlushed();
    for (let next = this.#unflushed.shift(); next !== undefined; next = this.#unflushed.shift()) {
      this.owner.unsent(next.cast);
    }
  }
}
