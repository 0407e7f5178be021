import { formatAddress, sameAddress, type Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type { LinkReport } from '../transport.js';
import type {
  HelloFrame,
  ReadyFrame,
  RefuseFrame,
  SessionAnswer,
  SessionOffer,
  WelcomeFrame,
} from './frame.js';
import { objectionToName, proven } from './credentials.js';
import { agreedVersion, forUs, objectionToHello, refusal, speaksOurVersion } from './handshake.js';
import type { Lane, Peer } from './peer.js';
import { PeerLink, type HandshakeSteps, type LinkOwner } from './peer-link.js';
import type { Refusals } from './refusals.js';
import type { Counters, EndpointSettings, SessionWorld } from './world.js';

const NOTHING = new Uint8Array(0);

/** Why nothing came of a link that was on its way. */
export interface LaneFailure {
  readonly kind: 'report' | 'refusal' | 'ended';
  readonly report?: LinkReport | undefined;
  readonly refused?: RefuseFrame | undefined;
}

/** What handshakes need from their endpoint. */
export interface HandshakeHost extends LinkOwner {
  readonly settings: EndpointSettings;
  readonly world: SessionWorld;
  readonly counters: Counters;
  readonly advertised: Address;
  readonly refusals: Refusals;
  /** The peer with this id, if it is known. */
  peer(id: NodeId): Peer | undefined;
  /** The peer with this id, as it is known; a new one at this address if it is not. */
  known(id: NodeId, address: Address): Peer;
  /** An answer has told who is at an address; gives the peer that is meant from now on. */
  identified(peer: Peer, id: NodeId, address: Address): Peer;
  /** The handshake is done on our side: the link takes its lane. */
  established(link: PeerLink): void;
  /** A link leaves its lane. */
  vacate(link: PeerLink): void;
  laneFailed(lane: Lane, failure: LaneFailure): void;
  /** A link of the peer is gone: the peer goes too if nothing would be lost with it. */
  tidy(peer: Peer): void;
}

/**
 * Hello, welcome, ready, and dials that cross (decisions 5). Two dials cross when each side has sent its hello
 * and neither is established. The lower NodeId's dial wins: its side turns the other's hello away, and the
 * higher side holds back its answer until its own dial has ended, so that never both are given up.
 */
export class Handshaker implements HandshakeSteps {
  constructor(readonly host: HandshakeHost) {}

  dial(peer: Peer, purpose: PeerLink['purpose']): PeerLink {
    const { world, settings } = this.host;
    const link = new PeerLink(this.host, 'dialled', purpose, { address: peer.address, id: peer.id });
    link.peer = peer;
    if (purpose === 'verify') peer.verify.add(link);
    else peer.lane(purpose).dialling = link;
    link.dialling(world.dial(peer.address, settings.deadlines.connectMs, link));
    return link;
  }

  opened(link: PeerLink): void {
    const { world, settings, advertised } = this.host;
    const payload = link.purpose === 'payload';
    link.state = 'hello-sent';
    world.after(settings.deadlines.handshakeMs, link);
    link.send({
      type: 'hello',
      purpose: link.purpose,
      minVersion: settings.versions.min,
      maxVersion: settings.versions.max,
      clusterName: settings.clusterName,
      id: settings.id,
      address: advertised,
      wanted: link.wanted!.id,
      serializer: payload ? settings.serializer : '',
      record: payload ? world.record() : NOTHING,
      offer: payload ? link.peer!.out.offer : undefined,
      name: settings.name,
    });
  }

  hello(link: PeerLink, hello: HelloFrame): void {
    const { host } = this;
    if (link.role === 'dialled') {
      // Linux can connect a socket to itself: our own hello comes back.
      this.dialEnded(link, { kind: 'report', report: 'silent' });
      return;
    }
    link.offered = hello;
    const objection =
      objectionToHello(hello, host.settings, host.advertised) ??
      objectionToName(link, hello, host.peer(hello.id), host.world);
    if (objection !== undefined) {
      this.#turnAway(link, objection);
    } else if (!forUs(hello, host.settings)) {
      link.state = 'misdirected';
      this.#welcome(link, hello, undefined, undefined);
    } else {
      this.#arrived(link, hello);
    }
  }

  welcome(link: PeerLink, welcome: WelcomeFrame): void {
    const { host } = this;
    const wanted = link.wanted!;
    if (!speaksOurVersion(welcome, host.settings)) {
      host.violated(link, 'malformed', `The answer speaks version ${welcome.version}, which was not offered`);
      return;
    }
    if (welcome.id === host.settings.id) {
      this.dialEnded(link, { kind: 'report', report: 'silent' });
      return;
    }
    const impostor = objectionToName(link, welcome, host.peer(welcome.id), host.world);
    if (impostor !== undefined) {
      this.#turnAway(link, impostor);
      return;
    }
    // A nameless peer may have got its name while this dial was under way.
    const expected = wanted.id ?? link.peer!.id;
    if (expected !== undefined && welcome.id !== expected) {
      link.leave('replaced');
      this.dialEnded(link, { kind: 'report', report: 'replaced' }, welcome.id);
      return;
    }
    const lane = this.#laneOf(link);
    link.proven = proven(link, welcome);
    const peer = host.identified(link.peer!, welcome.id, wanted.address);
    if (lane?.dialling === link) lane.dialling = undefined;
    if (link.purpose === 'verify') {
      link.peer!.verify.delete(link);
      peer.verify.add(link);
    }
    peer.provenName ??= link.proven.provenName;
    link.peer = peer;
    if (link.purpose === 'payload') {
      this.#welcomePayload(link, peer, welcome);
    } else {
      link.send({ type: 'ready', answer: undefined });
      host.established(link);
    }
  }

  ready(link: PeerLink, ready: ReadyFrame): void {
    const lane = this.#laneOf(link);
    if (link.purpose === 'payload') {
      if (ready.answer === undefined) {
        this.host.violated(link, 'malformed', 'The handshake ended without an answer to the offered session');
        return;
      }
      if (lane?.arriving === link) lane.arriving = undefined;
      this.#open(link, link.offered!.offer!, ready.answer);
    } else {
      if (lane?.arriving === link) lane.arriving = undefined;
      this.host.established(link);
    }
  }

  refused(link: PeerLink, frame: RefuseFrame): void {
    const { host } = this;
    host.refusals.byPeer(link, frame);
    if (link.role === 'dialled') this.dialEnded(link, { kind: 'refusal', report: 'silent', refused: frame });
    else this.arrivalEnded(link, { kind: 'refusal', refused: frame });
    // Only who was asked can know: a stranger's word would let it rename any node.
    if (frame.reason === 'duplicate-id' && link.role === 'dialled') host.world.duplicateId(link.wanted!);
  }

  /** Our dial came to nothing. A hello that waited for this is answered now. */
  dialEnded(link: PeerLink, failure: LaneFailure, by?: NodeId): void {
    const { host } = this;
    link.drop();
    link.end();
    host.world.cancel(link);
    const lane = this.#laneOf(link);
    link.peer?.verify.delete(link);
    if (lane?.dialling === link) {
      lane.dialling = undefined;
      if (lane.held !== undefined) this.#answer(lane.held, lane);
      else host.laneFailed(lane, failure);
    }
    if (link.peer !== undefined) host.tidy(link.peer);
    if (failure.report !== undefined) host.world.link(link.wanted!, failure.report, by);
  }

  /** Our dial gave way to one of the peer, whose hello is here or about to come. */
  yielded(link: PeerLink): void {
    const lane = this.#laneOf(link);
    link.drop();
    link.end();
    this.host.world.cancel(link);
    if (lane?.dialling !== link) return;
    lane.dialling = undefined;
    if (lane.held !== undefined) {
      this.#answer(lane.held, lane);
    } else if (lane.arriving === undefined) {
      lane.awaiting = true;
      this.host.world.after(this.host.settings.deadlines.handshakeMs, lane);
    }
  }

  /** A link that we accepted was not established in time. */
  arrivalExpired(link: PeerLink): void {
    this.#abandon(link);
    this.arrivalEnded(link, { kind: 'ended' });
  }

  /** A link that we accepted is gone before it was established. */
  arrivalEnded(link: PeerLink, failure: LaneFailure): void {
    link.drop();
    link.end();
    this.host.world.cancel(link);
    const lane = this.#laneOf(link);
    link.peer?.verify.delete(link);
    if (lane !== undefined) {
      const stood = lane.arriving === link || lane.held === link;
      if (lane.arriving === link) lane.arriving = undefined;
      if (lane.held === link) lane.held = undefined;
      if (stood && !lane.coming) this.host.laneFailed(lane, failure);
    }
    if (link.peer !== undefined) this.host.tidy(link.peer);
  }

  /**
   * Gives up a link that we accepted. Once it is answered, its dialler may count on it before we hear of that: it is told
   * that nothing broke, or it would look after a member that is only slow, over one more link.
   */
  #abandon(link: PeerLink): void {
    if (link.state === 'welcome-sent' && link.purpose === 'protocol') link.leave('reset');
    else link.drop();
  }

  #arrived(link: PeerLink, hello: HelloFrame): void {
    const { host } = this;
    const { purpose } = hello;
    const peer = host.known(hello.id, hello.address);
    const elsewhere = peer.established.filter(({ proven }) => !sameAddress(proven!.address, hello.address));
    if (elsewhere.length > 0 && !host.world.holds({ id: hello.id, address: hello.address })) {
      const detail = `${hello.id} is alive at ${formatAddress(elsewhere[0]!.proven!.address)}`;
      this.#turnAway(link, refusal('duplicate-id', detail));
      return;
    }
    for (const other of elsewhere) {
      host.vacate(other);
      other.leave('replaced');
    }
    link.peer = peer;
    link.purpose = purpose;
    link.proven = proven(link, hello);
    peer.provenName ??= link.proven.provenName;
    if (purpose === 'verify') {
      peer.verify.add(link);
      link.state = 'welcome-sent';
      this.#welcome(link, hello, undefined, undefined);
      return;
    }
    const lane = peer.lane(purpose);
    const own = lane.dialling;
    if (own?.state === 'hello-sent') {
      host.counters.crossedDials++;
      if (host.settings.id < hello.id) {
        link.leave('replaced');
        host.world.cancel(link);
        return;
      }
      lane.held?.drop();
      lane.held = link;
      link.state = 'held';
      return;
    }
    own?.drop();
    lane.dialling = undefined;
    this.#answer(link, lane);
  }

  #answer(link: PeerLink, lane: Lane): void {
    const { host } = this;
    const { peer } = lane;
    lane.held = undefined;
    lane.awaiting = false;
    if (lane.arriving !== undefined) this.#abandon(lane.arriving);
    lane.arriving = link;
    const hello = link.offered!;
    if (link.purpose !== 'payload') {
      link.state = 'welcome-sent';
      this.#welcome(link, hello, undefined, undefined);
      return;
    }
    // The older link is fenced before the answer says where this side stands.
    if (lane.link !== undefined) {
      const old = lane.link;
      host.vacate(old);
      old.leave('replaced');
    }
    const answer = this.#admit(link, peer, hello.record, hello.offer!);
    if (answer === undefined) return;
    link.state = 'welcome-sent';
    this.#welcome(link, hello, answer, peer.out.offer);
  }

  #welcome(
    link: PeerLink,
    hello: HelloFrame,
    answer: SessionAnswer | undefined,
    offer: SessionOffer | undefined,
  ): void {
    const { world, settings, advertised } = this.host;
    link.send({
      type: 'welcome',
      version: agreedVersion(hello, settings),
      id: settings.id,
      address: advertised,
      record: offer === undefined ? NOTHING : world.record(),
      answer,
      offer,
      name: settings.name,
    });
  }

  #welcomePayload(link: PeerLink, peer: Peer, welcome: WelcomeFrame): void {
    if (welcome.answer === undefined || welcome.offer === undefined) {
      this.host.violated(link, 'malformed', 'The answer to an offered session is missing');
      return;
    }
    const answer = this.#admit(link, peer, welcome.record, welcome.offer);
    if (answer === undefined) return;
    link.send({ type: 'ready', answer });
    this.#open(link, welcome.offer, welcome.answer);
  }

  /** Asks the node above whether the peer may send, and finds its session. Undefined: the link has ended. */
  #admit(link: PeerLink, peer: Peer, record: Uint8Array, offer: SessionOffer): SessionAnswer | undefined {
    const { host } = this;
    const word = host.world.introduce(link.proven!, record);
    // The node may have forgotten the peer while it was asked.
    if (link.state === 'ended') return undefined;
    if (word === 'refuse') {
      this.#turnAway(link, refusal('left', 'this node holds the other as gone'));
      return undefined;
    }
    const admitted = peer.admit(offer);
    if (admitted === undefined) {
      host.violated(link, 'malformed', 'The offered session contradicts what was received');
      return undefined;
    }
    if (word === 'grant') admitted.session.grant();
    return { known: admitted.known, expected: admitted.session.expected };
  }

  /** Both sessions go on with the link. */
  #open(link: PeerLink, offer: SessionOffer, answer: SessionAnswer): void {
    const { host } = this;
    const peer = link.peer!;
    host.established(link);
    if (link.state !== 'established') return;
    peer.incoming!.attach(link.raw, peer.incoming!.epoch === offer.epoch ? offer.firstUnacked : 0);
    if (!peer.out.attach(link.raw, answer)) {
      host.violated(link, 'malformed', `The other side stands at frame ${answer.expected}, which cannot be`);
      return;
    }
    peer.out.pump();
  }

  #turnAway(link: PeerLink, frame: RefuseFrame): void {
    this.host.refusals.ofPeer(link, frame);
    link.refuse(frame);
    if (link.role === 'dialled') this.dialEnded(link, { kind: 'refusal', refused: frame });
    else this.arrivalEnded(link, { kind: 'refusal', refused: frame });
  }

  #laneOf(link: PeerLink): Lane | undefined {
    return link.purpose === 'verify' ? undefined : link.peer?.lane(link.purpose);
  }
}
