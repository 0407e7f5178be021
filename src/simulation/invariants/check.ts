import type { MembershipEvent } from '../../membership/membership.js';
import type {
  KnownPeer,
  LinkEvidence,
  MembershipProtocol,
  Peer,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
} from '../../membership/protocol.js';
import type { NodeId } from '../../node-id.js';
import type { Fault } from '../scenarios/fault.js';

/** A simulated process, as a check sees it. @publicApi */
export interface WatchedNode<M> {
  /** Its id. */
  readonly id: NodeId;
  /** `c` for a node's first process, `c#2` for the next. */
  readonly name: string;
  /** How others can dial it. */
  readonly self: KnownPeer;
  /** Its state machine: to look at, not to drive. */
  readonly protocol: MembershipProtocol<M>;
  /** Whether the process still runs. */
  readonly isRunning: boolean;
  /** Whether its event loop stands still now (SIGSTOP, a stall, a suspended machine). */
  readonly isFrozen: boolean;
  /** The protocol's clock, which stands still while the loop does; looking at it changes nothing. */
  readonly protocolNowMs: number;
}

/** What a protocol is given. @publicApi */
export type Input<M> =
  | { readonly kind: 'receive'; readonly from: KnownPeer; readonly message: M }
  | { readonly kind: 'timer'; readonly timer: ProtocolTimer; readonly lateMs: number }
  | {
      readonly kind: 'link';
      readonly about: Peer;
      readonly evidence: LinkEvidence;
      readonly by?: NodeId | undefined;
    }
  | { readonly kind: 'unsent'; readonly token: number }
  | { readonly kind: 'stalled'; readonly ms: number }
  /** Told by the simulation: start, join, leave, set-metadata … */
  | { readonly kind: 'told' };

/** The simulation, as a check sees it. @publicApi */
export interface Watched<M> {
  /** Virtual milliseconds since the beginning. */
  readonly nowMs: number;
  /** The processes that run now, frozen ones included. */
  running(): readonly WatchedNode<M>[];
  /** The name of the process with this id. */
  nameOf(id: NodeId): string;
}

/**
 * Something that must hold in every run. It is told what happens, in the order of time, and throws a
 * `SimulationError` through {@link violated} at the moment at which the rule is broken. It must not change anything,
 * nor draw from the simulation's random numbers.
 *
 * @publicApi
 */
export interface Check<M> {
  /** Once, before anything else. */
  begin?(simulation: Watched<M>): void;
  /** A process has started. */
  started?(node: WatchedNode<M>): void;
  /** A process has ended, and how its peers could notice. */
  ended?(node: WatchedNode<M>, how: 'closed' | 'goodbye' | 'silent'): void;
  /** Its protocol is about to deal with an input. */
  beforeInput?(node: WatchedNode<M>, input: Input<M>): void;
  /** Its protocol has dealt with it. */
  afterInput?(node: WatchedNode<M>, input: Input<M>): void;
  /** Its protocol emitted an event. */
  event?(node: WatchedNode<M>, event: MembershipEvent): void;
  /** The node closes its own link to a peer: its protocol hears nothing of that. */
  reset?(node: WatchedNode<M>, id: NodeId): void;
  /** Its protocol sent a message. */
  sent?(node: WatchedNode<M>, to: Peer, message: M, options: ProtocolSendOptions | undefined): void;
  /** Its protocol told of an inner step. */
  traced?(node: WatchedNode<M>, trace: TraceEvent): void;
  /** Its protocol noticed something that is worth a line in a log. */
  noticed?(node: WatchedNode<M>, notice: ProtocolNotice): void;
  /** A fault is about to be applied, by whatever way (a method of the simulation, or a schedule). */
  fault?(fault: Fault): void;
  /** Every 100 virtual milliseconds, between inputs. */
  tick?(nowMs: number): void;
  /** The scenario is over and every remaining node's protocol was stopped. */
  finish?(): void;
}
