import type { Address } from '../../address.js';
import type { NodeId } from '../../node-id.js';
import type { Member } from '../membership.js';

/**
 * Everything that SWIM nodes say to each other. Flat, readonly, tagged by `type`. docs/PROTOCOL.md has the tuple
 * of each; the sender's NodeId is never in a message, the link's handshake has proved it.
 *
 * `seq`, `sync` and `attempt` are the sender's own numbers, unsigned 32-bit, and come back in the answer.
 * Incarnations are integers from 0 to {@link MAX_INCARNATION}.
 */

/** The largest incarnation. An owner that would pass it takes a new NodeId. Decisions 2. */
export const MAX_INCARNATION = 2 ** 40;

/** How many updates one message may carry; a decoder refuses more. */
export const MAX_UPDATES = 256;
/** How many members one page may carry; a decoder refuses more. */
export const MAX_PAGE_MEMBERS = 512;
/** How many witnesses an `unreachable` update may name; a decoder refuses more. */
export const MAX_WITNESSES = 8;
/** How many buckets a view is split into for a sync. */
export const SYNC_BUCKETS = 64;
/** The version of the digest's hash; a digest of another version is not compared. */
export const DIGEST_VERSION = 1;

// --- updates: what is gossiped ---

/** The member, as its owner describes it. `member.state` is always `alive`. */
export interface AliveUpdate {
  readonly type: 'alive';
  readonly member: Member;
}

/** Why somebody doubts a member: it was silent (`soft`), or a quorum saw hard evidence (`hard`). Decisions 3. */
export type SuspicionKind = 'soft' | 'hard';

/** `accuser` did not get an answer from the member in this incarnation. */
export interface SuspectUpdate {
  readonly type: 'suspect';
  readonly id: NodeId;
  readonly incarnation: number;
  readonly accuser: NodeId;
  readonly kind: SuspicionKind;
}

/** The suspicion of `by` ended without a refutation. `witnesses`: the relays that saw hard evidence too. */
export interface UnreachableUpdate {
  readonly type: 'unreachable';
  readonly id: NodeId;
  readonly incarnation: number;
  readonly by: NodeId;
  readonly kind: SuspicionKind;
  readonly witnesses: readonly NodeId[];
}

/** The member said good-bye. Final. */
export interface LeftUpdate {
  readonly type: 'left';
  readonly id: NodeId;
  readonly incarnation: number;
}

export type Update = AliveUpdate | SuspectUpdate | UnreachableUpdate | LeftUpdate;

// --- probing ---

/**
 * The sum of a view (decisions 9): two wrapping u32 lanes of a hash of (version, NodeId, incarnation) over alive
 * and suspect members, the sender included.
 */
export interface Digest {
  readonly version: number;
  readonly low: number;
  readonly high: number;
  /** Whether the sender has nothing left to gossip: only then is a difference more than updates under way. */
  readonly quiet: boolean;
}

/** "Are you there?" Answered with `ack` by the member `to`, by nobody else. */
export interface Ping {
  readonly type: 'ping';
  readonly seq: number;
  /** Who is meant. A node with another id stays silent. */
  readonly to: NodeId;
  readonly digest: Digest;
  readonly updates: readonly Update[];
}

/** "I am", to a ping. */
export interface Ack {
  readonly type: 'ack';
  /** Of the ping. */
  readonly seq: number;
  /** Of the sender. */
  readonly incarnation: number;
  readonly digest: Digest;
  readonly updates: readonly Update[];
}

/**
 * Why a relay is asked. `silent`, `refused`, `replaced`: what the asker saw of the target · `no-route`: the asker
 * could never reach it and nobody is accused; the relay also asks the target to dial the asker.
 */
export type PingReqReason = 'silent' | 'refused' | 'replaced' | 'no-route';

/** "Probe the target for me." */
export interface PingReq {
  readonly type: 'pingReq';
  readonly seq: number;
  readonly target: NodeId;
  readonly address: Address;
  /** The target's incarnation as the asker knows it, so that the relay's ping can carry the accusation. */
  readonly incarnation: number;
  readonly why: PingReqReason;
}

/**
 * What a relay saw: `ack` it answers · `silent` nothing yet (Lifeguard's nack, sent at 80 % of the probe timeout;
 * a later `ack` still counts) · `refused`, `replaced` hard evidence from the relay's own fresh dial, and no answer on
 * its kept link either · `local` the relay could not try.
 */
export type RelayOutcome = 'ack' | 'silent' | 'refused' | 'replaced' | 'local';

/** A relay's answer to `pingReq`. */
export interface Relayed {
  readonly type: 'relayed';
  /** Of the pingReq. */
  readonly seq: number;
  readonly outcome: RelayOutcome;
  /** Who answered instead, for `replaced`. */
  readonly by: NodeId | undefined;
  /** The target's incarnation, for `ack`. */
  readonly incarnation: number | undefined;
}

/** "Please open a link to me": a relay passes it on from a node that cannot dial the receiver. */
export interface DialRequest {
  readonly type: 'dialRequest';
  readonly id: NodeId;
  readonly address: Address;
}

// --- dissemination ---

/** Updates outside of probes: gossip rounds, forwarded verdicts, refutations, answers to a stale claim. */
export interface Gossip {
  readonly type: 'gossip';
  readonly updates: readonly Update[];
}

// --- joining ---

/** "Admit me." The seed dials the member's address before it answers with `page`, `joinWait` or `joinRefused`. */
export interface Join {
  readonly type: 'join';
  readonly attempt: number;
  /** The joiner's own record, `alive`. */
  readonly member: Member;
}

/** The seed dials others back already: ask again after that long. */
export interface JoinWait {
  readonly type: 'joinWait';
  readonly attempt: number;
  readonly retryAfterMs: number;
}

/** The seed does not admit the joiner. `reason` is for people. */
export interface JoinRefused {
  readonly type: 'joinRefused';
  readonly attempt: number;
  readonly reason: string;
}

// --- sync ---

/** Opens a sync: 64 sums of two u32 lanes, `[low0, high0, low1, high1, …]`. */
export interface SyncStart {
  readonly type: 'syncStart';
  readonly sync: number;
  readonly buckets: readonly number[];
}

/** The receiver has a sync of its own under way: try again later. */
export interface SyncBusy {
  readonly type: 'syncBusy';
  readonly sync: number;
}

/**
 * A part of a view, at most 16 KiB. `answer`: what the answering side holds in the unequal buckets (after `join`: all
 * that is active, with the attempt as `sync`) · `push`: what the asking side holds against it. Records carry the state
 * that the sender holds.
 */
export interface Page {
  readonly type: 'page';
  readonly sync: number;
  readonly side: 'answer' | 'push';
  readonly index: number;
  readonly last: boolean;
  /** Which buckets differ: bit i of `maskLow` for buckets 0–31, of `maskHigh` for 32–63. */
  readonly maskLow: number;
  readonly maskHigh: number;
  readonly members: readonly Member[];
}

/** A page was merged, send the next. */
export interface PageTaken {
  readonly type: 'pageTaken';
  readonly sync: number;
  /** Which side's page. */
  readonly side: 'answer' | 'push';
  readonly index: number;
}

// --- leaving ---

/** "I leave", said directly by the leaver and answered, so that it knows when the news has spread. */
export interface Leaving {
  readonly type: 'leaving';
  readonly incarnation: number;
}

/** The leave is known here. */
export interface LeaveTaken {
  readonly type: 'leaveTaken';
  readonly incarnation: number;
}

// --- from later versions ---

/** A message of a type that this version does not have: counted and ignored (decisions 12). */
export interface UnknownMessage {
  readonly type: 'unknown';
  /** Its type on the wire. */
  readonly code: number;
}

export type SwimMessage =
  | UnknownMessage
  | Ping
  | Ack
  | PingReq
  | Relayed
  | DialRequest
  | Gossip
  | Join
  | JoinWait
  | JoinRefused
  | SyncStart
  | SyncBusy
  | Page
  | PageTaken
  | Leaving
  | LeaveTaken;
