import { formatAddress, type Address } from '../../address.js';
import type { LinkEvidence, Peer, ProtocolSendOptions } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { VirtualClock } from '../clock/virtual-clock.js';
import type { Random } from '../random.js';
import { Crossing, type Arrivals } from './crossing.js';
import { LinkEnd, type Endpoint, type Item } from './link-end.js';
import { Listeners } from './listeners.js';
import type { Paths } from './paths.js';
import { PendingDial, type Dialling, type Outgoing, type Via } from './pending-dial.js';
import { Sockets } from './sockets.js';

/** A link made for one verification is closed after this long. */
const VERIFY_LINK_MS = 5000;
/** The longest wait of a kernel before it sends again on a link that was cut. */
const MAX_RETRANSMIT_MS = 120_000;

const READY: Item<never> = { kind: 'ready' };
const CLOSED: Item<never> = { kind: 'closed' };
const GOODBYE: Item<never> = { kind: 'goodbye' };

/** How links behave. */
export interface LinkOptions {
  /** After how long a dial is given up. */
  readonly dialTimeoutMs: number;
  /** Kept links per process; one more closes a random idle one, with a goodbye (decisions 5). */
  readonly maxLinks: number;
}

/**
 * Protocol links between simulated processes, with TCP's manners: ordered, kept through a cut (and slow to come
 * back from it), closed by the kernel when a process dies, refused when nobody listens, silent when nobody is there.
 * They give a protocol the same evidence as a node would.
 */
export class SimulatedLinks<M> implements Arrivals<M>, Dialling<M> {
  /** Where dials travel. */
  readonly clock: VirtualClock;
  readonly paths: Paths;
  readonly listeners = new Listeners<M>();
  readonly #random: Random;
  readonly #options: LinkOptions;
  /** Addresses, written out: members are shared, and so are their addresses. */
  readonly #hosts = new WeakMap<Address, string>();
  readonly #stalled = new Set<LinkEnd<M>>();

  constructor(clock: VirtualClock, paths: Paths, random: Random, options: LinkOptions) {
    this.clock = clock;
    this.paths = paths;
    this.#random = random;
    this.#options = options;
    paths.onHeal = (from, to) =>
      this.#resumeStalled((end) => end.owner.host === from && end.other.owner.host === to);
    paths.onWake = (host) =>
      this.#resumeStalled((end) => end.owner.host === host || end.other.owner.host === host);
  }

  /** A process starts to listen at its address. */
  open(endpoint: Endpoint<M>): Sockets<M> {
    const sockets = new Sockets(endpoint, formatAddress(endpoint.self.address));
    this.listeners.open(sockets);
    return sockets;
  }

  /**
   * A process is gone. `closed`: its kernel closes the sockets · `goodbye`: it said so first · `silent`: its host went
   * with it, nobody is told.
   */
  close(sockets: Sockets<M>, how: 'closed' | 'goodbye' | 'silent'): void {
    this.listeners.close(sockets);
    for (const dial of sockets.dials.values()) dial.abandon();
    for (const dial of sockets.ownDials) dial.abandon();
    for (const end of [...sockets.kept.all(), ...sockets.verify.values()]) {
      if (how !== 'silent') this.#transmit(end, how === 'closed' ? CLOSED : GOODBYE);
      this.#drop(end);
    }
    sockets.isOpen = false;
  }

  send(from: Sockets<M>, to: Peer, message: M, options: ProtocolSendOptions | undefined): void {
    const via = options?.via ?? 'kept';
    if (via === 'kept') {
      const link = this.#linkTo(from, to);
      if (link !== undefined) return this.#transmit(link, { kind: 'message', message });
    }
    if (!from.isOpen) return;
    const outgoing: Outgoing<M> = { message, token: options?.token };
    const dialling = via === 'kept' ? from.dials.get(dialKey(to)) : undefined;
    if (dialling === undefined) this.#dial(from, to, via, outgoing);
    else dialling.waiting.push(outgoing);
  }

  /**
   * Drops a process's link to a peer. `goodbye`: it says so, as a transport that resets a link does · `closed`: it gives the
   * peer up without a word.
   */
  reset(from: Sockets<M>, id: NodeId, how: 'closed' | 'goodbye'): void {
    const end = from.kept.get(id);
    if (end === undefined) return;
    this.#transmit(end, how === 'closed' ? CLOSED : GOODBYE);
    this.#drop(end);
  }

  // --- dialling ---

  #dial(from: Sockets<M>, to: Peer, via: Via, first: Outgoing<M>): void {
    const dial = new PendingDial(this, from, to, this.#hostOf(to.address), via, first);
    if (via === 'kept') from.dials.set(dialKey(to), dial);
    else from.ownDials.add(dial);
    const isSelf = dial.toHost === from.host;
    const timeoutMs = isSelf ? 1 : this.#options.dialTimeoutMs;
    dial.timeout = from.endpoint.loop.setTimer(timeoutMs, () => dial.fail('silent'));
    if (!isSelf) dial.knock();
  }

  ended(dial: PendingDial<M>, evidence: LinkEvidence | undefined, by: NodeId | undefined): void {
    const { from, to, via } = dial;
    if (via === 'kept') from.dials.delete(dialKey(to));
    else from.ownDials.delete(dial);
    if (evidence === undefined) return;
    for (const { token } of dial.waiting) if (token !== undefined) from.endpoint.unsent(token);
    from.endpoint.evidence(to, evidence, by);
  }

  welcomed(dial: PendingDial<M>, target: Sockets<M>): void {
    const { from, to, via } = dial;
    if (dial.settled || !from.isOpen) return;
    const { self } = target.endpoint;
    if (to.id !== undefined && to.id !== self.id) return dial.fail('replaced', self.id);
    dial.succeed();
    let end = from.kept.get(self.id);
    if (end === undefined || via !== 'kept') {
      end = this.#join(from, target, via === 'verify');
      from.endpoint.evidence(self, 'up');
      this.#makeRoom(end);
    }
    for (const { message } of dial.waiting) this.#transmit(end, { kind: 'message', message });
  }

  #join(from: Sockets<M>, target: Sockets<M>, isVerify: boolean): LinkEnd<M> {
    const near = LinkEnd.pair(from, target, isVerify);
    this.#register(near);
    this.#transmit(near, READY);
    if (isVerify) {
      this.clock.setTimer(VERIFY_LINK_MS, () => {
        this.#drop(near);
        this.#drop(near.other);
      });
    }
    return near;
  }

  /** A newer link wins and fences the older one (decisions 5). */
  #register(end: LinkEnd<M>): void {
    const { kept, verify } = end.owner;
    const older = end.isVerify ? verify.get(end.peerId) : kept.get(end.peerId);
    if (older === end) return;
    if (older !== undefined) {
      this.#drop(older);
      older.isFenced = true;
      older.other.isFenced = true;
    }
    if (end.isVerify) return void verify.set(end.peerId, end);
    kept.add(end, this.clock.now());
  }

  /**
   * Closes another link where the new one is one too many. Both protocols hear of a goodbye: the own one too, since it
   * would count on the link otherwise.
   */
  #makeRoom(newest: LinkEnd<M>): void {
    const { kept, endpoint } = newest.owner;
    if (kept.size <= this.#options.maxLinks) return;
    const idle = kept.idle(newest, this.#random);
    if (idle === undefined) return;
    this.#transmit(idle, GOODBYE);
    this.#drop(idle);
    endpoint.evidence(idle.other.owner.endpoint.self, 'goodbye');
  }

  #drop(end: LinkEnd<M>): void {
    end.isOpen = false;
    end.stalled = undefined;
    this.#stalled.delete(end);
    const { kept, verify } = end.owner;
    if (!end.isVerify) kept.delete(end);
    else if (verify.get(end.peerId) === end) verify.delete(end.peerId);
  }

  #linkTo(from: Sockets<M>, to: Peer): LinkEnd<M> | undefined {
    if (to.id !== undefined) return from.kept.get(to.id) ?? from.verify.get(to.id);
    return from.kept.at(this.#hostOf(to.address));
  }

  #hostOf(address: Address): string {
    let host = this.#hosts.get(address);
    if (host === undefined) this.#hosts.set(address, (host = formatAddress(address)));
    return host;
  }

  // --- crossing the network ---

  #transmit(end: LinkEnd<M>, item: Item<M>): void {
    if (!end.isOpen) return;
    const from = end.owner.host;
    const to = end.other.owner.host;
    if (end.stalled !== undefined || this.paths.isCut(from, to)) return this.#stall(end, item);
    const nowMs = this.clock.now();
    end.owner.kept.used(end, nowMs);
    if (item.kind !== 'message') return this.#cross(end, item, this.#inTurnMs(end, nowMs));
    if (this.paths.loses(from, to)) return;
    const heldBackMs = this.paths.heldBackMs(from, to);
    const arrivalMs = this.#inTurnMs(end, nowMs, heldBackMs);
    this.#cross(end, item, arrivalMs);
    if (this.paths.duplicates(from, to)) this.#cross(end, item, this.#inTurnMs(end, nowMs));
  }

  /** When something arrives that is sent now: not before what was sent earlier, unless that is held back. */
  #inTurnMs(end: LinkEnd<M>, nowMs: number, heldBackMs = 0): number {
    const latencyMs = this.paths.latencyMs(end.owner.host, end.other.owner.host);
    const arrivalMs = Math.max(end.lastArrivalMs, nowMs + latencyMs);
    if (heldBackMs > 0) return arrivalMs + heldBackMs;
    end.lastArrivalMs = arrivalMs;
    return arrivalMs;
  }

  #cross(end: LinkEnd<M>, item: Item<M>, arrivalMs: number): void {
    this.clock.schedule(arrivalMs - this.clock.now(), new Crossing(this, end.other, item));
  }

  arrived(crossing: Crossing<M>): void {
    const { to, item } = crossing;
    if (to.isFenced) return;
    if (to.isOpen && to.owner.isOpen) return to.owner.endpoint.loop.deliver(crossing);
    if (item.kind === 'closed' || item.kind === 'goodbye' || !this.paths.hasPower(to.owner.host)) return;
    this.#answerWithReset(to);
  }

  /** Nobody has this socket any more: the kernel says so, if its word gets through. */
  #answerWithReset(gone: LinkEnd<M>): void {
    const from = gone.owner.host;
    const to = gone.other.owner.host;
    if (this.paths.isCut(from, to)) return;
    this.clock.schedule(this.paths.latencyMs(from, to), new Crossing(this, gone.other, CLOSED));
  }

  read(crossing: Crossing<M>): void {
    const { to, item } = crossing;
    const { endpoint } = to.owner;
    if (!to.isOpen || !to.owner.isOpen) return;
    if (endpoint.gate.holds(crossing, item.message)) return;
    const peer = to.other.owner.endpoint.self;
    to.owner.kept.used(to, this.clock.now());
    if (item.kind === 'message') return endpoint.received(peer, item.message);
    if (item.kind === 'ready') {
      this.#register(to);
      endpoint.evidence(peer, 'up');
      return this.#makeRoom(to);
    }
    this.#drop(to);
    if (!to.isVerify) endpoint.evidence(peer, item.kind);
  }

  /** The last words of a process on a link that is cut never arrive: its kernel forgets the socket too soon. */
  #stall(end: LinkEnd<M>, item: Item<M>): void {
    if (item.kind === 'closed' || item.kind === 'goodbye') return;
    if (end.stalled === undefined) {
      end.stalled = [];
      end.stalledSinceMs = this.clock.now();
      this.#stalled.add(end);
    }
    end.stalled.push(item);
  }

  /** Retransmissions back off, so a link that was cut for long needs up to as long again to come back. */
  #resumeStalled(isConcerned: (end: LinkEnd<M>) => boolean): void {
    for (const end of this.#stalled) {
      if (!isConcerned(end)) continue;
      const waitMs = Math.min(MAX_RETRANSMIT_MS, this.clock.now() - end.stalledSinceMs) * this.#random.next();
      this.clock.setTimer(waitMs, () => {
        if (!end.isOpen || this.paths.isCut(end.owner.host, end.other.owner.host)) return;
        this.#stalled.delete(end);
        const items = end.stalled ?? [];
        end.stalled = undefined;
        for (const item of items) this.#transmit(end, item);
      });
    }
  }
}

function dialKey(to: Peer): string {
  return to.id ?? formatAddress(to.address);
}
