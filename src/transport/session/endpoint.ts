import { formatAddress, sameAddress, type Address } from '../../address.js';
import { HandshakeError, NotDeliveredError } from '../../errors.js';
import type { NodeId } from '../../node-id.js';
import type { Link, LinkHandler } from '../link.js';
import type { Destination } from '../transport.js';
import { isStale } from './credentials.js';
import type { GoodbyeFrame } from './frame.js';
import { Handshaker, type HandshakeHost, type LaneFailure } from './handshaker.js';
import type { IncomingSession, Receiver } from './incoming-session.js';
import { maxFrameBytes } from './limits.js';
import { Lanes } from './lanes.js';
import type { OutgoingMessage } from './message.js';
import { ThrottledLog } from '../../throttled-log.js';
import { OutgoingSession } from './outgoing-session.js';
import { PayloadRoutes } from './payload-routes.js';
import { PayloadWatch } from './payload-watch.js';
import { Peers } from './peers.js';
import type { Lane, Peer, PeerOwner } from './peer.js';
import { PeerLink, type Cast } from './peer-link.js';
import { CastRoutes } from './cast-routes.js';
import { ReassemblyBudget } from './reassembly.js';
import { Refusals } from './refusals.js';
import { noCounts, type Counters, type EndpointSettings, type SessionWorld } from './world.js';

/** Sessions begin at a random one of so many epochs. */
const EPOCHS = 2 ** 40;

/** After how many ack timeouts without a link the room that a peer asked for goes to others. */
const AWAY_ACK_TIMEOUTS = 2;

/**
 * All links and sessions of one node: which link serves which lane of which peer, and what happens to casts and
 * payloads when links come and go. A pure state machine: it acts through its world and the links it is given.
 */
export class Endpoint implements HandshakeHost, PeerOwner {
  readonly counters: Counters = noCounts();
  readonly lanes: Lanes;
  readonly receiver: Receiver;
  /** Accepted links before their handshake is done. */
  readonly strangers = new Set<PeerLink>();
  /** What peers are told to dial; set before the first link is accepted or dialled. */
  advertised: Address = { host: '0.0.0.0', port: 0 };
  readonly refusals: Refusals;
  readonly handshaker: Handshaker = new Handshaker(this);
  readonly #peers: Peers;
  readonly #notices: ThrottledLog;
  readonly #routes: PayloadRoutes;
  readonly #casts: CastRoutes;
  readonly #watch: PayloadWatch;
  #due: IncomingSession[] = [];
  #closed = false;

  constructor(
    readonly world: SessionWorld,
    readonly settings: EndpointSettings,
  ) {
    const { limits, deadlines } = settings;
    this.lanes = new Lanes(world, limits, (link) => {
      if (link.purpose === 'payload') this.#routes.want(link.peer!);
      this.tidy(link.peer!);
    });
    this.#notices = new ThrottledLog(world, world);
    this.refusals = new Refusals(world, this.#notices, this.counters);
    this.#peers = new Peers(this);
    this.#routes = new PayloadRoutes(world, deadlines, (peer) => void this.handshaker.dial(peer, 'payload'));
    this.#casts = new CastRoutes(world, limits.castQueue, (peer, purpose) =>
      this.handshaker.dial(peer, purpose),
    );
    this.#watch = new PayloadWatch(world, deadlines, this.lanes.payloadPool, {
      unanswered: (link) => this.#resetPayload(link),
      idle: (link) => this.lanes.leave(link, 'idle'),
    });
    this.receiver = {
      limits,
      budget: new ReassemblyBudget(limits.reassemblyBytes),
      receive: (message) => {
        this.counters.messagesIn++;
        return world.receive(message);
      },
      due: (session) => {
        if (this.#due.push(session) === 1) world.turn();
      },
      away: (session) => world.after(AWAY_ACK_TIMEOUTS * deadlines.ackTimeoutMs, session),
      back: (session) => world.cancel(session),
    };
  }

  /** Peers of whom anything is kept. */
  get peerCount(): number {
    return this.#peers.size;
  }

  get peers(): readonly Peer[] {
    return this.#peers.all();
  }

  // --- what the node above asks ---

  /** A link came in; everything that happens on it goes to the handler. */
  accept(raw: Link): LinkHandler {
    const link = new PeerLink(this, 'accepted', 'verify', undefined).use(raw);
    if (this.#closed) link.drop();
    else if (this.strangers.size >= this.settings.limits.unauthenticatedConnections)
      this.violated(link, 'too-many-unauthenticated', 'too many others have not shaken hands');
    else {
      this.strangers.add(link);
      this.world.after(this.settings.deadlines.handshakeMs, link);
    }
    return link;
  }

  send(destination: Destination, message: OutgoingMessage): void {
    if (this.#closed) {
      message.settle(new NotDeliveredError('The transport is closed: nothing was sent'));
      return;
    }
    const peer = this.#peers.of(destination);
    peer.out.send(message);
    this.#routes.want(peer);
  }

  cast(destination: Destination, cast: Cast, via: 'kept' | 'fresh' | 'verify'): void {
    if (this.#closed) {
      this.unsent(cast);
      return;
    }
    this.#casts.cast(this.#peers.of(destination), cast, via);
  }

  grant(id: NodeId): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.incoming?.grant();
    this.#peers.granted(peer);
  }

  forget(id: NodeId, why: 'left' | 'unreachable'): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.forgotten = true;
    this.#casts.failed(peer);
    this.lanes.close(peer, undefined);
    peer.out.abandon(why === 'left' ? 'The recipient has left' : 'The recipient is unreachable');
    if (why === 'unreachable' && peer.incoming?.suspend() === true) {
      peer.forgotten = false;
      const oldest = this.#peers.lost(peer);
      if (oldest !== undefined) this.tidy(oldest);
      return;
    }
    this.#peers.delete(peer);
    peer.incoming?.end();
  }

  reset(id: NodeId): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    for (const link of peer.links) if (link.state === 'established') this.lanes.leave(link, 'reset');
  }

  /** Closes links whose credentials do not count any more. */
  revalidate(): void {
    const links = new Set([...this.strangers, ...this.peers.flatMap((peer) => peer.links)]);
    for (const link of [...links].filter(isStale)) {
      this.count('revoked');
      if (link.state === 'established') this.lanes.leave(link, 'reset');
      // What it was begun for is begun again when it is found broken.
      else link.raw.abort();
    }
  }

  /** Says goodbye everywhere and settles everything; the links end by themselves. */
  close(reason: 'left' | 'shutdown'): void {
    if (this.#closed) return;
    this.turnEnded();
    this.#closed = true;
    this.#watch.stop();
    for (const link of this.strangers) link.drop();
    this.strangers.clear();
    for (const peer of this.#peers.all()) {
      this.#casts.failed(peer);
      this.lanes.close(peer, reason);
      peer.incoming?.end();
      peer.out.abandon('This node has closed');
    }
    this.#peers.clear();
  }

  /** The inputs of this turn are read: acknowledges them and gives credit back, once per peer. */
  turnEnded(): void {
    const due = this.#due;
    this.#due = [];
    for (const session of due) session.flush();
  }

  // --- what links tell ---

  finished(link: PeerLink): void {
    this.strangers.delete(link);
    this.world.cancel(link);
  }

  dialFailed(link: PeerLink, report: 'refused' | 'silent' | 'local', error: unknown): void {
    const reason = error instanceof Error ? error.message : formatAddress(link.wanted!.address);
    if (error instanceof HandshakeError) this.refusals.insecure(link, error);
    else this.#notices.debug(`dial-${report}`, `Dialling failed (${report}): ${reason}`);
    this.handshaker.dialEnded(link, { kind: 'report', report });
  }

  goodbye(link: PeerLink, { reason }: GoodbyeFrame): void {
    if (link.state !== 'established') {
      if (link.role === 'accepted') this.#arrivalEnded(link);
      else if (reason === 'replaced') this.handshaker.yielded(link);
      else this.handshaker.dialEnded(link, { kind: 'report', report: 'silent' });
      return;
    }
    const peer = link.peer!;
    const carries = peer.payload.link === link;
    this.#gone(link);
    // The peer reads no more, so there is nothing to write either.
    link.raw.destroy();
    // Whoever answers elsewhere in its name has no say in what waits for it.
    const isThere = sameAddress(link.wanted?.address ?? link.proven!.address, peer.address);
    if (isThere && (reason === 'left' || reason === 'shutdown')) peer.dismissed(reason, carries);
    if (link.purpose === 'payload') this.#routes.want(peer);
    else if (link.purpose === 'protocol' && reason !== 'replaced') this.world.link(link.proven!, 'goodbye');
    this.tidy(peer);
  }

  protocolMessage(link: PeerLink, body: unknown): void {
    link.peer!.heard++;
    this.#casts.received(link, body);
  }

  violated(link: PeerLink, violation: string, detail: string): void {
    this.count(violation);
    this.warn(violation, `Closed the link with ${link.remote} (${violation}): ${detail}`);
    const established = link.state === 'established';
    if (established) {
      link.state = 'ended';
      link.raw.destroy();
    }
    this.#ended(link, established);
  }

  lost(link: PeerLink, error: unknown): void {
    const established = link.state === 'established';
    if (error instanceof HandshakeError) this.refusals.insecure(link, error);
    else if (!established && link.role === 'accepted') this.count('handshake-aborted');
    if (error instanceof Error)
      this.#notices.debug('broke', `${link.remote} broke the link: ${error.message}`);
    this.#ended(link, established);
  }

  deadline(link: PeerLink): void {
    if (link.state === 'established') {
      if (link.purpose === 'verify') this.lanes.leave(link, 'idle');
      return;
    }
    if (link.role === 'accepted') {
      const word = 'handshake-timeout';
      this.count(word);
      this.warn(word, `Closed the link with ${link.remote} (${word}): it did not shake hands in time`);
      this.handshaker.arrivalExpired(link);
    } else {
      this.handshaker.dialEnded(link, { kind: 'report', report: 'silent' });
    }
  }

  unsent(cast: Cast): void {
    this.#casts.unsent(cast);
  }

  // --- what handshakes and peers ask ---

  peer(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  known(id: NodeId, address: Address): Peer {
    return this.#peers.get(id) ?? this.#peers.of({ id, address });
  }

  identified(peer: Peer, id: NodeId, address: Address): Peer {
    return this.#peers.identified(peer, id, address);
  }

  established(link: PeerLink): void {
    const { world } = this;
    const peer = link.peer!;
    world.cancel(link);
    this.strangers.delete(link);
    link.state = 'established';
    link.usedAtMs = world.now();
    link.raw.allowFrames(maxFrameBytes(this.settings.limits, link.purpose));
    link.raw.established();
    if (link.purpose === 'verify') {
      // The accepting side waits longer, so that the one who dialled ends it and knows why.
      world.after(this.settings.deadlines.verifyMs * (link.role === 'dialled' ? 1 : 2), link);
      this.lanes.verify(link);
      return;
    }
    // A claim until now: somebody else may have begun this handshake in the peer's name.
    if (link.role === 'accepted') peer.address = link.proven!.address;
    this.lanes.take(link, peer.lane(link.purpose));
    if (link.purpose === 'payload') {
      this.#watch.start();
      if (peer.stranger) this.#boundStrangers(peer);
      else this.#peers.granted(peer);
      return;
    }
    for (const cast of peer.casts.splice(0)) link.sendCast(cast);
    world.link(link.proven!, 'up');
  }

  vacate(link: PeerLink): void {
    this.lanes.vacate(link);
  }

  laneFailed(lane: Lane, failure: LaneFailure): void {
    const { peer } = lane;
    if (lane.purpose === 'payload') {
      this.#routes.failed(peer, failure);
    } else if (failure.kind === 'ended' && peer.casts.length > 0 && lane.link === undefined) {
      // The peer's own dial did not make it: ours has not been tried yet.
      this.handshaker.dial(peer, 'protocol');
    } else {
      this.#casts.failed(peer);
    }
    this.tidy(peer);
  }

  tidy(peer: Peer): void {
    if (!peer.blank) return;
    peer.incoming?.end();
    this.#peers.delete(peer);
  }

  session(): OutgoingSession {
    return new OutgoingSession(Math.floor(this.world.random() * EPOCHS), this.settings.limits, this.counters);
  }

  awaitExpired(lane: Lane): void {
    lane.awaiting = false;
    if (!lane.coming) this.laneFailed(lane, { kind: 'ended' });
  }

  redial(peer: Peer): void {
    this.#routes.redial(peer);
    this.tidy(peer);
  }

  count(word: string): void {
    this.counters.closedFor[word] = (this.counters.closedFor[word] ?? 0) + 1;
  }

  warn(about: string, message: string): void {
    this.#notices.warn(about, message);
  }

  #resetPayload(link: PeerLink): void {
    this.count('ack-timeout');
    this.warn('ack-timeout', `Payloads to ${link.remote} are not acknowledged: trying a new connection`);
    this.lanes.leave(link, 'reset');
  }

  #gone(link: PeerLink): void {
    this.lanes.vacate(link);
    this.world.cancel(link);
    link.end();
  }

  /** A link broke. */
  #ended(link: PeerLink, wasEstablished: boolean): void {
    if (!wasEstablished) {
      if (link.role === 'accepted') this.#arrivalEnded(link);
      else this.handshaker.dialEnded(link, { kind: 'report', report: 'silent' });
      return;
    }
    const peer = link.peer!;
    this.#gone(link);
    if (link.purpose === 'payload') this.#routes.lost(peer);
    if (link.purpose === 'protocol' || (link.purpose === 'payload' && peer.protocol.link === undefined)) {
      this.world.link(link.proven!, 'closed');
    }
    this.tidy(peer);
  }

  #arrivalEnded(link: PeerLink): void {
    this.handshaker.arrivalEnded(link, { kind: 'ended' });
  }

  #boundStrangers(newest: Peer): void {
    const oldest = this.#peers.stranger(newest);
    if (oldest === undefined) return;
    this.violated(oldest.payload.link!, 'limit', 'too many peers that are no members are connected');
  }
}
