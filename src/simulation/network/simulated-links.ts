import { formatAddress } from '../../address.js';
import type { KnownPeer, LinkEvidence, Peer, ProtocolSendOptions } from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { EventLoop } from '../clock/event-loop.js';
import type { Paths } from './paths.js';
import { PendingDial, type Outgoing } from './pending-dial.js';
import type { Random } from '../random.js';
import type { VirtualClock } from '../clock/virtual-clock.js';

/** A link made for one verification is closed after this long. */
const VERIFY_LINK_MS = 5000;
/** The longest wait of a kernel before it sends again on a link that was cut. */
const MAX_RETRANSMIT_MS = 120_000;

/** A process as its sockets see it. */
export interface Endpoint<M> {
  readonly self: KnownPeer;
  readonly loop: EventLoop;
  received(from: KnownPeer, message: M): void;
  evidence(about: Peer, evidence: LinkEvidence, by?: NodeId): void;
  unsent(token: number): void;
}

type Item<M> =
  | { readonly kind: 'ready' | 'closed' | 'goodbye' }
  | { readonly kind: 'message'; readonly message: M; readonly token: number | undefined };

/** One side of a link. */
interface End<M> {
  readonly owner: Endpoint<M>;
  readonly isVerify: boolean;
  other: End<M>;
  open: boolean;
  /** A newer link took its place, on this side or the other: what arrives is dropped without a reset. */
  fenced: boolean;
  lastArrivalMs: number;
  /** Sent while the direction was cut: the kernel sends it again after the heal. */
  readonly stalled: Item<M>[];
  stalledSinceMs: number;
}

/**
 * Protocol links between simulated processes, with TCP's manners: ordered, kept through a cut (and slow to come
 * back from it), closed by the kernel when a process dies, refused when nobody listens, silent when nobody is there.
 * They give a protocol the same {@link LinkEvidence} as a node would.
 */
export class SimulatedLinks<M> {
  readonly #clock: VirtualClock;
  readonly #paths: Paths;
  readonly #random: Random;
  readonly #dialTimeoutMs: number;
  readonly #listening = new Map<string, Endpoint<M>>();
  /** The link of each process to each peer, and verify links that still live. */
  readonly #links = new Map<Endpoint<M>, Map<NodeId, End<M>>>();
  readonly #verifyLinks = new Map<Endpoint<M>, Map<NodeId, End<M>>>();
  readonly #dials = new Map<Endpoint<M>, Map<string, PendingDial<M>>>();
  readonly #stalled = new Set<End<M>>();

  constructor(clock: VirtualClock, paths: Paths, random: Random, dialTimeoutMs: number) {
    this.#clock = clock;
    this.#paths = paths;
    this.#random = random;
    this.#dialTimeoutMs = dialTimeoutMs;
    paths.onHeal = (from, to) => this.#resumeStalled(from, to);
  }

  /** A process starts to listen at its address. */
  open(endpoint: Endpoint<M>): void {
    this.#listening.set(host(endpoint), endpoint);
    this.#links.set(endpoint, new Map());
    this.#verifyLinks.set(endpoint, new Map());
    this.#dials.set(endpoint, new Map());
  }

  /**
   * A process is gone. `closed`: its kernel closes the sockets · `goodbye`: it said so first · `silent`: its host went
   * with it, nobody is told.
   */
  close(endpoint: Endpoint<M>, how: 'closed' | 'goodbye' | 'silent'): void {
    if (this.#listening.get(host(endpoint)) === endpoint) this.#listening.delete(host(endpoint));
    for (const dial of this.#dials.get(endpoint)?.values() ?? []) dial.settled = true;
    for (const ends of [this.#links.get(endpoint), this.#verifyLinks.get(endpoint)]) {
      for (const end of ends?.values() ?? []) {
        if (how !== 'silent') this.#transmit(end, { kind: how });
        this.#drop(end);
      }
    }
    this.#links.delete(endpoint);
    this.#verifyLinks.delete(endpoint);
    this.#dials.delete(endpoint);
  }

  send(from: Endpoint<M>, to: Peer, message: M, options: ProtocolSendOptions = {}): void {
    const via = options.via ?? 'kept';
    const outgoing: Outgoing<M> = { message, token: options.token };
    if (via === 'kept') {
      const link = this.#linkTo(from, to);
      if (link !== undefined) return this.#transmit(link, { kind: 'message', ...outgoing });
      const dialling = this.#dials.get(from)?.get(dialKey(to));
      if (dialling !== undefined) return void dialling.waiting.push(outgoing);
    }
    this.#dial(from, to, via, outgoing);
  }

  /** Drops a process's link to a peer; the peer sees it close. */
  reset(from: Endpoint<M>, id: NodeId): void {
    const end = this.#links.get(from)?.get(id);
    if (end === undefined) return;
    this.#transmit(end, { kind: 'closed' });
    this.#drop(end);
  }

  hasLink(from: Endpoint<M>, id: NodeId): boolean {
    return this.#links.get(from)?.has(id) ?? false;
  }

  // --- dialling ---

  #dial(from: Endpoint<M>, to: Peer, via: 'kept' | 'fresh' | 'verify', first: Outgoing<M>): void {
    const dials = this.#dials.get(from);
    if (dials === undefined) return;
    const key = via === 'kept' ? dialKey(to) : `${via} ${this.#clock.now()} ${dials.size} ${dialKey(to)}`;
    const dial = new PendingDial(from, to, first, (evidence, by) => {
      dials.delete(key);
      if (evidence === undefined) return;
      for (const { token } of dial.waiting) if (token !== undefined) from.unsent(token);
      from.evidence(to, evidence, by);
    });
    dials.set(key, dial);
    const isSelf = formatAddress(to.address) === host(from);
    from.loop.setTimer(isSelf ? 1 : this.#dialTimeoutMs, () => dial.fail('silent'));
    if (!isSelf)
      dial.knock(this.#clock, this.#paths, this.#listening, (target) => this.#accepted(dial, via, target));
  }

  /** The target's kernel has accepted; its process answers the hello when it runs. */
  #accepted(dial: PendingDial<M>, via: 'kept' | 'fresh' | 'verify', target: Endpoint<M>): void {
    const from = host(dial.from);
    const to = host(target);
    const helloMs = this.#paths.latencyMs(to, from) + this.#paths.latencyMs(from, to);
    this.#clock.setTimer(helloMs, () =>
      target.loop.input(() => {
        if (dial.settled || this.#paths.isCut(to, from) || !this.#links.has(target)) return;
        this.#clock.setTimer(this.#paths.latencyMs(to, from), () =>
          dial.from.loop.input(() => this.#welcomed(dial, via, target)),
        );
      }),
    );
  }

  #welcomed(dial: PendingDial<M>, via: 'kept' | 'fresh' | 'verify', target: Endpoint<M>): void {
    const { from, to } = dial;
    if (dial.settled || !this.#links.has(from)) return;
    if (to.id !== undefined && to.id !== target.self.id) return dial.fail('replaced', target.self.id);
    dial.succeed();
    let end = this.#links.get(from)!.get(target.self.id);
    if (end === undefined || via !== 'kept') {
      end = this.#join(from, target, via === 'verify');
      from.evidence(target.self, 'up');
    }
    for (const outgoing of dial.waiting) this.#transmit(end, { kind: 'message', ...outgoing });
  }

  #join(from: Endpoint<M>, target: Endpoint<M>, isVerify: boolean): End<M> {
    const near = newEnd(from, isVerify);
    const far = newEnd(target, isVerify);
    near.other = far;
    far.other = near;
    this.#register(near);
    this.#transmit(near, { kind: 'ready' });
    if (isVerify) this.#clock.setTimer(VERIFY_LINK_MS, () => [near, far].forEach((end) => this.#drop(end)));
    return near;
  }

  /** A newer link wins and fences the older one (decisions 5). */
  #register(end: End<M>): void {
    const ends = (end.isVerify ? this.#verifyLinks : this.#links).get(end.owner);
    const older = ends?.get(end.other.owner.self.id);
    if (older !== undefined && older !== end) {
      this.#drop(older);
      older.fenced = true;
      older.other.fenced = true;
    }
    ends?.set(end.other.owner.self.id, end);
  }

  #drop(end: End<M>): void {
    end.open = false;
    end.stalled.length = 0;
    this.#stalled.delete(end);
    const ends = (end.isVerify ? this.#verifyLinks : this.#links).get(end.owner);
    if (ends?.get(end.other.owner.self.id) === end) ends.delete(end.other.owner.self.id);
  }

  #linkTo(from: Endpoint<M>, to: Peer): End<M> | undefined {
    const kept = this.#links.get(from);
    if (to.id !== undefined) return kept?.get(to.id) ?? this.#verifyLinks.get(from)?.get(to.id);
    const key = formatAddress(to.address);
    for (const end of kept?.values() ?? []) if (host(end.other.owner) === key) return end;
    return undefined;
  }

  // --- crossing the network ---

  #transmit(end: End<M>, item: Item<M>): void {
    if (!end.open) return;
    const from = host(end.owner);
    const to = host(end.other.owner);
    if (this.#paths.isCut(from, to) || end.stalled.length > 0) return this.#stall(end, item);
    if (item.kind === 'message' && this.#paths.loses()) return;
    const arrivalMs = Math.max(end.lastArrivalMs, this.#clock.now() + this.#paths.latencyMs(from, to));
    end.lastArrivalMs = arrivalMs;
    this.#clock.setTimer(arrivalMs - this.#clock.now(), () => this.#arrive(end, item));
  }

  #arrive(sent: End<M>, item: Item<M>): void {
    const end = sent.other;
    if (end.fenced) return;
    if (end.open && this.#links.has(end.owner)) return end.owner.loop.input(() => this.#handle(end, item));
    if (item.kind === 'closed' || item.kind === 'goodbye' || !this.#paths.hasPower(host(end.owner))) return;
    this.#answerWithReset(end, sent);
  }

  /** Nobody has this socket any more: the kernel says so, if its word gets through. */
  #answerWithReset(gone: End<M>, sent: End<M>): void {
    const from = host(gone.owner);
    const to = host(sent.owner);
    if (this.#paths.isCut(from, to)) return;
    this.#clock.setTimer(this.#paths.latencyMs(from, to), () =>
      sent.owner.loop.input(() => this.#handle(sent, { kind: 'closed' })),
    );
  }

  #handle(end: End<M>, item: Item<M>): void {
    if (!end.open || !this.#links.has(end.owner)) return;
    const { owner } = end;
    const peer = end.other.owner.self;
    switch (item.kind) {
      case 'message':
        return owner.received(peer, item.message);
      case 'ready':
        this.#register(end);
        return owner.evidence(peer, 'up');
      default:
        this.#drop(end);
        if (!end.isVerify) owner.evidence(peer, item.kind);
    }
  }

  /** The last words of a process on a link that is cut never arrive: its kernel forgets the socket too soon. */
  #stall(end: End<M>, item: Item<M>): void {
    if (item.kind === 'closed' || item.kind === 'goodbye') return;
    if (end.stalled.length === 0) end.stalledSinceMs = this.#clock.now();
    end.stalled.push(item);
    this.#stalled.add(end);
  }

  /** Retransmissions back off, so a link that was cut for long needs up to as long again to come back. */
  #resumeStalled(from: string, to: string): void {
    for (const end of this.#stalled) {
      if (host(end.owner) !== from || host(end.other.owner) !== to) continue;
      const waitMs =
        Math.min(MAX_RETRANSMIT_MS, this.#clock.now() - end.stalledSinceMs) * this.#random.next();
      this.#clock.setTimer(waitMs, () => {
        if (!end.open || this.#paths.isCut(from, to)) return;
        this.#stalled.delete(end);
        for (const item of end.stalled.splice(0)) this.#transmit(end, item);
      });
    }
  }
}

function host<M>(endpoint: Endpoint<M>): string {
  return formatAddress(endpoint.self.address);
}

function dialKey(to: Peer): string {
  return to.id ?? formatAddress(to.address);
}

function newEnd<M>(owner: Endpoint<M>, isVerify: boolean): End<M> {
  return {
    owner,
    isVerify,
    other: undefined as unknown as End<M>,
    open: true,
    fenced: false,
    lastArrivalMs: 0,
    stalled: [],
    stalledSinceMs: 0,
  };
}
