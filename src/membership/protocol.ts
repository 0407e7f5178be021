import type { Address } from '../address.js';
import type { ClusterError } from '../errors.js';
import type { NodeId } from '../node-id.js';
import type { Member, MemberFields, MemberHealth, MembershipEvent } from './membership.js';
import type { View } from './view.js';

/**
 * What a membership protocol is to the node that runs it: inputs in, effects out.
 *
 * A protocol is a pure state machine. It is single-threaded and never re-entered: the node (or the simulator)
 * gives it one input at a time, and the protocol acts only through its {@link World}.
 */

/** Where a protocol message goes: an address, and the node that has to answer there, if it is known. */
export interface Peer {
  readonly address: Address;
  /** Undefined when only an address is known (a seed): whoever answers there is meant. */
  readonly id: NodeId | undefined;
}

/** A peer whose handshake proved who it is. */
export interface KnownPeer extends Peer {
  readonly id: NodeId;
  /** The name that its certificate proves; undefined where connections prove no names. */
  readonly provenName?: string | undefined;
}

/** A timer as data: the protocol gets it back when it fires and recognises a stale one by its token. */
export interface ProtocolTimer {
  /** What it is for, for example `probe`, `suspicion`. Also shown in traces. */
  readonly kind: string;
  readonly token: number;
}

/**
 * What the transport saw of the way to a peer. Decisions 3:
 *
 * - `up`: a handshake completed, whoever dialled
 * - `goodbye`: the link was closed on purpose: the peer said so, or our own pool was full and chose it
 * - `closed`: an established link ended without a goodbye: no evidence, but a reason to probe
 * - `refused`: our dial to one IP literal got ECONNREFUSED: hard evidence
 * - `replaced`: our own dial, completed, was answered by another NodeId (`by`): hard evidence
 * - `silent`: our dial failed in any other way (timeout, unreachable host, reset, TLS, a name that does not resolve)
 * - `local`: our dial failed because of us (EMFILE, EADDRNOTAVAIL, ENOBUFS, EPERM): the probe is void
 */
export type LinkEvidence = 'up' | 'goodbye' | 'closed' | 'refused' | 'replaced' | 'silent' | 'local';

/** How a protocol message travels. */
export interface ProtocolSendOptions {
  /**
   * `kept` (default): on the established protocol link, dialling one if there is none. `fresh`: on a link dialled
   * for this message, which then becomes *the* link (purpose `protocol`) or is closed soon after (`verify`).
   */
  readonly via?: 'kept' | 'fresh' | 'verify' | undefined;
  /** If given, `unsent(token)` tells when the message certainly was not handed to the peer's kernel. */
  readonly token?: number | undefined;
}

/** Something that is worth telling people and is not a change of the view. */
export type ProtocolNotice =
  /** A join through a seed has succeeded; the view holds what the seed knows. */
  | { readonly type: 'join-completed'; readonly seed: Peer; readonly members: number }
  /** A seed refused to admit this node. */
  | { readonly type: 'join-refused'; readonly seed: Peer; readonly error: ClusterError }
  /** All addresses of a `join` were tried and none led to a cluster. */
  | { readonly type: 'join-failed'; readonly addresses: readonly Address[] }
  /** Two live ids answer at one address. */
  | { readonly type: 'address-conflict'; readonly error: ClusterError }
  /** Two live ids have one name, where certificates prove names. */
  | { readonly type: 'name-conflict'; readonly error: ClusterError }
  /** This node's id is used by another live endpoint, or cannot be used on: the node must take a new one. */
  | { readonly type: 'identity-lost'; readonly error: ClusterError }
  /** The leave has spread (or waited long enough): links may be closed now. */
  | { readonly type: 'leave-completed'; readonly acknowledgedBy: number }
  /** Somebody accused this node; it has refuted with a higher incarnation. */
  | { readonly type: 'refuted'; readonly accuser: NodeId; readonly incarnation: number };

/** What a protocol does for whoever explains it: who probed, relayed, confirmed, refuted, and why. */
export interface TraceEvent {
  /** For example `probe`, `probe-failed`, `relayed`, `suspicion-confirmed`, `hard-quorum`. */
  readonly kind: string;
  readonly about?: NodeId | undefined;
  readonly by?: NodeId | undefined;
  readonly detail?: string | undefined;
  /** Figures, for checks: `timeoutMs`, `confirmations` … docs/PROTOCOL.md lists the kinds and their figures. */
  readonly data?: Readonly<Record<string, number>> | undefined;
}

/** The only things that a protocol can do. */
export interface World<M> {
  /**
   * Milliseconds, monotonic. Stands still while this process's event loop does (decisions 8), so that a running
   * timeout gains what was lost.
   */
  now(): number;
  /** Milliseconds since 1970, for people; never for decisions. */
  epochMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  send(to: Peer, message: M, options?: ProtocolSendOptions): void;
  /** Fires `timer(timer, lateMs)` once, `delayMs` or later from now: `now()` has moved by then, unless it is 0. */
  after(delayMs: number, timer: ProtocolTimer): void;
  /** Fires `timer(timer, 0)` after one whole pass of input polling: what has already arrived is received first. */
  afterPoll(timer: ProtocolTimer): void;
  cancel(timer: ProtocolTimer): void;
  /** Drops both lanes' links to a peer. Sessions resume on the next ones. */
  resetLink(id: NodeId): void;
  /** At `unreachable` and `left` the node drops all links to the member, without a report. */
  emit(event: MembershipEvent): void;
  notice(notice: ProtocolNotice): void;
  /** Undefined when nobody listens: check before building an event. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
}

/** What this node tells of itself when it starts. */
export type LocalMember = Omit<MemberFields, 'state' | 'incarnation' | 'extra'>;

/** A membership protocol, running on one node. `M` is its message. */
export interface MembershipProtocol<M> {
  /** This node as it stands in the view. */
  readonly local: Member;
  /** The current view: alive and suspect members. */
  readonly view: View;
  /** Counters since the start, for metrics: `probes`, `probesFailed`, `refutations`, `updatesDropped` … */
  readonly counters: Readonly<Record<string, number>>;
  /** 0 is healthy; the Lifeguard multiplier. */
  readonly localHealth: number;

  /** A member that is still remembered, whatever its state. */
  member(id: NodeId): Member | undefined;
  /** All that are remembered, unreachable and left ones included. */
  allMembers(): Iterable<Member>;

  /** Begins probing, as a cluster of one. Exactly once. */
  start(): void;
  /** Tries to join the clusters at these addresses. May be called again at any time; known ones cost little. */
  join(addresses: readonly Address[]): void;
  /** Announces the leave and lingers; the notice `leave-completed` tells when it has spread. */
  leave(): void;
  /** Cancels every timer. Nothing is emitted afterwards and inputs are ignored. */
  stop(): void;
  /** Replaces the local metadata and raises the incarnation. */
  setMetadata(metadata: MemberFields['metadata']): void;
  /** Replaces the local health and its reason, and raises the incarnation if that changes anything. */
  setHealth(health: MemberHealth, reason?: string): void;

  /** A message from a peer whose id the handshake proved. */
  receive(from: KnownPeer, message: M): void;
  /** A timer fired, `lateMs` after its time (as measured before the clock was held back). */
  timer(timer: ProtocolTimer, lateMs: number): void;
  /** See {@link LinkEvidence}. `by`: who answered instead, for `replaced`. */
  link(about: Peer, evidence: LinkEvidence, by?: NodeId): void;
  /** A message sent with this token was certainly not handed over. */
  unsent(token: number): void;
  /** The event loop stood still for this long, or the machine was suspended. */
  stalled(ms: number): void;

  /**
   * A peer introduced itself on the payload lane with its own member record. Says whether it may have credit:
   * `grant` it is in the view now · `wait` until it has refuted or joined · `refuse` it left.
   */
  introduce(record: Member, provenName?: string): 'grant' | 'wait' | 'refuse';
}

/** Bytes of a protocol's messages and of member records. Decoding checks every field. */
export interface ProtocolCodec<M> {
  encode(message: M): Uint8Array;
  /** @throws ProtocolViolationError */
  decode(bytes: Uint8Array): M;
  encodeMember(member: Member): Uint8Array;
  /** @throws ProtocolViolationError */
  decodeMember(bytes: Uint8Array): Member;
}
