import type { Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import { notDelivered } from './certainty.js';
import type { SessionOffer } from './frame.js';
import type { Inbox } from './inbox.js';
import { IncomingSession, type Receiver } from './incoming-session.js';
import type { OutgoingSession } from './outgoing-session.js';
import type { Cast, PeerLink } from './peer-link.js';
import type { SessionTimer } from './world.js';

/** What leads to a peer for one purpose: at most one established link, and those that may become it. */
export class Lane implements SessionTimer {
  link: PeerLink | undefined;
  /** Our own dial, before it is established. */
  dialling: PeerLink | undefined;
  /** The peer's dial, which we have answered. */
  arriving: PeerLink | undefined;
  /** The peer's dial, which waits for the end of ours. */
  held: PeerLink | undefined;
  /** Our dial gave way to the peer's, whose hello has not come yet. */
  awaiting = false;

  constructor(
    readonly peer: Peer,
    readonly purpose: 'protocol' | 'payload',
    readonly expired: (lane: Lane) => void,
  ) {}

  /** Whether a link is on its way. */
  get coming(): boolean {
    return (
      this.dialling !== undefined || this.arriving !== undefined || this.held !== undefined || this.awaiting
    );
  }

  /** Every link that stands here, taken out. */
  clear(): PeerLink[] {
    const links = [this.link, this.dialling, this.arriving, this.held].filter((link) => link !== undefined);
    this.link = this.dialling = this.arriving = this.held = undefined;
    this.awaiting = false;
    return links;
  }

  fired(): void {
    if (this.awaiting) this.expired(this);
  }
}

/** What a peer needs from its endpoint. */
export interface PeerOwner {
  readonly receiver: Receiver;
  session(): OutgoingSession;
  awaitExpired(lane: Lane): void;
  redial(peer: Peer): void;
}

/** One peer: its two lanes, and a session in each direction. */
export class Peer implements SessionTimer {
  readonly protocol: Lane;
  readonly payload: Lane;
  readonly out: OutgoingSession;
  incoming: IncomingSession | undefined;
  /** The node name that its connections have proven; another one is refused. */
  provenName: string | undefined;
  /** Undefined while only an address is known. */
  inbox: Inbox | undefined;
  /** Verify links: a protocol message may go over an established one when there is no other link. */
  readonly verify = new Set<PeerLink>();
  /** Casts that wait for the next protocol link. */
  readonly casts: Cast[] = [];
  /** Payload links that failed in a row, and since when. */
  failures = 0;
  failingSinceMs = 0;
  redialling = false;
  /** Watch: what was seen at its last look, and for how many looks nothing has moved. */
  readonly watched = { acknowledged: 0, heard: 0, activity: 0, unansweredLooks: 0, idleLooks: 0 };
  /** Protocol messages that have come. */
  heard = 0;
  forgotten = false;

  constructor(
    readonly owner: PeerOwner,
    /** Undefined while only an address is known. */
    public id: NodeId | undefined,
    public address: Address,
  ) {
    this.protocol = new Lane(this, 'protocol', (lane) => owner.awaitExpired(lane));
    this.payload = new Lane(this, 'payload', (lane) => owner.awaitExpired(lane));
    this.out = owner.session();
  }

  /**
   * Whether nothing would be lost with it. The state of one that never had credit from us is worth nothing: it could
   * not send, and a session of ours without anything unsettled begins anew as well.
   */
  get blank(): boolean {
    return (
      !this.protocol.coming &&
      !this.payload.coming &&
      this.protocol.link === undefined &&
      this.payload.link === undefined &&
      this.verify.size === 0 &&
      this.casts.length === 0 &&
      !this.redialling &&
      !this.out.pending &&
      this.incoming?.granted !== true &&
      this.incoming?.kept !== true
    );
  }

  /** Whether it has a payload link and may not send. */
  get stranger(): boolean {
    return this.payload.link !== undefined && this.incoming?.granted !== true;
  }

  /** Whether the payload lane has nothing to do, now or soon. */
  get idle(): boolean {
    return !this.out.pending && (this.inbox === undefined || this.inbox.held === 0);
  }

  /** Its links on both lanes. */
  get established(): PeerLink[] {
    return [this.protocol.link, this.payload.link].filter((link) => link !== undefined);
  }

  /** Every link that leads there or comes from there, in whatever state. */
  get links(): PeerLink[] {
    const lanes = [this.protocol, this.payload].flatMap(({ link, dialling, arriving, held }) => [
      link,
      dialling,
      arriving,
      held,
    ]);
    return [...this.verify, ...lanes.filter((link) => link !== undefined)];
  }

  lane(purpose: 'protocol' | 'payload'): Lane {
    return purpose === 'protocol' ? this.protocol : this.payload;
  }

  /**
   * The incoming session that an offer asks for. One that is not known begins a new epoch, the next after the
   * offered one: both sides count alike without telling each other.
   *
   * @returns undefined when the offer contradicts what was received
   */
  admit(offer: SessionOffer): { known: boolean; session: IncomingSession } | undefined {
    const known = this.incoming;
    if (known !== undefined && known.epoch === offer.epoch) {
      return offer.firstUnacked > known.expected ? undefined : { known: true, session: known };
    }
    known?.end();
    this.incoming = new IncomingSession(offer.epoch + 1, this.owner.receiver, this.inbox!);
    return { known: false, session: this.incoming };
  }

  /**
   * The peer has said goodbye for good. Before, on the link that carries the sessions, it has acknowledged whatever it
   * took: the rest is certain. Where another link does, its word is still to come.
   */
  dismissed(reason: 'left' | 'shutdown', carries: boolean): void {
    const why = `The recipient has ${reason === 'left' ? 'left' : 'shut down'}`;
    if (carries) this.out.abandon(why, notDelivered, notDelivered);
    else if (this.payload.link === undefined) this.out.abandon(why);
  }

  fired(): void {
    if (this.redialling) this.owner.redial(this);
  }
}
