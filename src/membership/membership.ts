import type { Address } from '../address.js';
import type { ClusterError } from '../errors.js';
import type { NodeId } from '../node-id.js';
import type { View } from './view.js';

/**
 * What a member is thought to be.
 *
 * `alive` answers probes · `suspect` did not answer lately, still counts as a member · `unreachable` stopped
 * answering for good (crashed or cut off) · `left` said good-bye. Only the first two are *active*.
 *
 * @publicApi
 */
export type MemberState = 'alive' | 'suspect' | 'unreachable' | 'left';

/** What a member says of its own ability to serve. @publicApi */
export type MemberHealth = 'ok' | 'degraded' | 'draining';

/**
 * Facts that a node tells others of itself: plain data (what JSON can carry), frozen. Extend it by declaration
 * merging: `declare module 'clusterpack' { interface ClusterMetadata { zone?: string } }`. Make the keys optional: it is
 * each member's own word, and one of an older version does not say it. One module name for all, as with `ClusterContracts`.
 *
 * @publicApi
 */
export interface ClusterMetadata {
  readonly [key: string]: unknown;
}

/** A change of {@link ClusterMetadata}: keys are added or replaced, null removes one, undefined is ignored. @publicApi */
export type MetadataPatch = {
  readonly [Key in keyof ClusterMetadata]?: ClusterMetadata[Key] | null | undefined;
};

/** The fields of a {@link Member}. @publicApi */
export interface MemberFields {
  readonly id: NodeId;
  readonly name: string;
  readonly address: Address;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly metadata: ClusterMetadata;
  readonly health: MemberHealth;
  readonly healthReason?: string | undefined;
  readonly startedAtMs: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly extra?: readonly Uint8Array[] | undefined;
}

/**
 * A node as the cluster knows it at one moment. Immutable: a change makes another object.
 *
 * @publicApi
 */
export class Member implements MemberFields {
  /** Fresh for each start of a process. */
  readonly id: NodeId;
  /** `nodeName` of the member's options; for people, not unique. */
  readonly name: string;
  /** Where the member can be dialled, as it advertises itself. */
  readonly address: Address;
  /** What it is thought to be here. */
  readonly state: MemberState;
  /** Raised by the member alone, at each refutation and each change of what it tells of itself. */
  readonly incarnation: number;
  /** What it tells of itself. */
  readonly metadata: ClusterMetadata;
  /** What it says of its own ability to serve. */
  readonly health: MemberHealth;
  /** Why, in the member's own words, at most 256 bytes; undefined when it gave no reason. */
  readonly healthReason: string | undefined;
  /** When the process started by its own clock, milliseconds since 1970: a claim, not a fact. */
  readonly startedAtMs: number;
  /** The lowest protocol version that the member speaks. */
  readonly minVersion: number;
  /** The highest protocol version that the member speaks. */
  readonly maxVersion: number;
  /** Fields of a newer version, kept and forwarded untouched. @internal */
  readonly extra: readonly Uint8Array[] | undefined;

  private constructor(fields: MemberFields) {
    this.id = fields.id;
    this.name = fields.name;
    this.address = fields.address;
    this.state = fields.state;
    this.incarnation = fields.incarnation;
    this.metadata = fields.metadata;
    this.health = fields.health;
    this.healthReason = fields.healthReason;
    this.startedAtMs = fields.startedAtMs;
    this.minVersion = fields.minVersion;
    this.maxVersion = fields.maxVersion;
    this.extra = fields.extra;
  }

  /** Makes a member; for protocols and tests. @internal */
  static of(fields: MemberFields): Member {
    return new Member(fields);
  }

  /** The same member with some fields changed. @internal */
  with(changes: Partial<MemberFields>): Member {
    return new Member({ ...(this as MemberFields), ...changes });
  }

  /** Whether the member counts as part of the cluster: alive or suspect. */
  get isActive(): boolean {
    return this.state === 'alive' || this.state === 'suspect';
  }
}

/**
 * What can happen to a member, in the legal order
 * `( joined (updated | suspected updated* recovered)* (suspected updated*)? (unreachable | left) )*`, with
 * nothing after `left`.
 *
 * @publicApi
 */
export type MembershipEventType = 'joined' | 'updated' | 'suspected' | 'recovered' | 'unreachable' | 'left';

/**
 * A change of the view. `member` is the member after the change, `view` all active members after it.
 *
 * @publicApi
 */
export class MembershipEvent {
  /** What happened. */
  readonly type: MembershipEventType;
  /** The member as it is after the change. */
  readonly member: Member;
  /** The member as it was before; undefined for the first `joined`. */
  readonly previous: Member | undefined;
  /** When this node saw it, milliseconds since 1970. */
  readonly atMs: number;
  readonly #after: View;

  private constructor(
    type: MembershipEventType,
    member: Member,
    previous: Member | undefined,
    after: View,
    atMs: number,
  ) {
    this.type = type;
    this.member = member;
    this.previous = previous;
    this.#after = after;
    this.atMs = atMs;
  }

  /** Makes an event; for protocols and tests. @internal */
  static of(
    type: MembershipEventType,
    member: Member,
    previous: Member | undefined,
    after: View,
    atMs: number,
  ): MembershipEvent {
    return new MembershipEvent(type, member, previous, after, atMs);
  }

  /** All active members right after this event, sorted by NodeId. */
  get view(): readonly Member[] {
    return this.#after.members;
  }
}

/**
 * Takes the place of events that a slow reader missed: `view` is the state to go on from.
 *
 * @publicApi
 */
export class MembershipGap {
  /** Tells a gap from an event. */
  readonly type = 'gap';

  private constructor(
    /** How many events were dropped. */
    readonly missed: number,
    /** All active members after what was missed, sorted by NodeId. */
    readonly view: readonly Member[],
    /** When this node saw it, milliseconds since 1970. */
    readonly atMs: number,
  ) {}

  /** Makes a gap; for nodes and tests. @internal */
  static of(missed: number, view: readonly Member[], atMs: number): MembershipGap {
    return new MembershipGap(missed, view, atMs);
  }
}

/**
 * A payload that arrived. `payload` is valid until the reader asks for the next message (or, in a handler,
 * until the handler has finished): copy what must live longer.
 *
 * @publicApi
 */
export class Message {
  private constructor(
    /** The sender as known when the message arrived. */
    readonly sender: Member,
    /** The bytes; see above for how long they are valid. */
    readonly payload: Uint8Array,
    /** What the sender gave as `headers`; `{}` when it gave none. */
    readonly headers: Readonly<Record<string, string>>,
    /** When it arrived here, milliseconds since 1970. */
    readonly receivedAtMs: number,
  ) {}

  /** Makes a message; for nodes and tests. @internal */
  static of(
    sender: Member,
    payload: Uint8Array,
    headers: Readonly<Record<string, string>>,
    receivedAtMs: number,
  ): Message {
    return new Message(sender, payload, headers, receivedAtMs);
  }
}

/** Options of everything that sends. @publicApi */
export interface SendOptions {
  /** Gives up waiting; the promise rejects at once and says whether the message may have been received. */
  readonly signal?: AbortSignal | undefined;
  /** Up to 32 entries and 4 KiB that travel with the message (tracing, tenants). */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@link Membership.broadcast}. @publicApi */
export interface BroadcastOptions extends SendOptions {
  /** Deliver to this node as well. Default: false. */
  readonly includeSelf?: boolean | undefined;
}

/** Who got a broadcast and who did not. @publicApi */
export interface BroadcastOutcome {
  /** Those in whose inbox it is. */
  readonly delivered: readonly Member[];
  /** The others, each with the reason. */
  readonly failed: readonly { readonly member: Member; readonly error: ClusterError }[];
}

/** Who to send to: a member, or its id. @publicApi */
export type Recipient = Member | NodeId | (string & {});

/**
 * A process's part in a cluster: who is there, and messages to them.
 *
 * @publicApi
 */
export interface Membership {
  /** This process's own member. Before the start, what it is going to be. */
  readonly local: Member;

  /** All members that are alive or suspect, this one included, sorted by NodeId. An immutable snapshot. */
  readonly activeMembers: readonly Member[];

  /**
   * Messages as they arrive. Each reader gets every message from the moment it was opened, and counts as having
   * taken one when it asks for the next; a slow reader holds the senders back.
   */
  readonly incomingMessages: AsyncIterable<Message>;

  /**
   * Changes of the view, for any number of readers, from the moment each was opened. A reader that is more than
   * `limits.eventBuffer` events behind gets a {@link MembershipGap} instead of what it missed.
   */
  readonly membershipEvents: AsyncIterable<MembershipEvent | MembershipGap>;

  /**
   * Sends bytes to one member. Resolves once they are in the recipient's inbox; in order per recipient. The
   * buffer must not change until the promise settles.
   *
   * @throws NotDeliveredError when it certainly did not arrive (unknown, left, unreachable, queue full, no reader)
   * @throws DeliveryUncertainError when it may have arrived (the recipient died, the signal aborted)
   * @throws PayloadTooLargeError over `limits.payloadBytes`
   */
  send(recipient: Recipient, payload: Uint8Array, options?: SendOptions): Promise<void>;

  /**
   * Sends bytes to every active member but this one. Resolves with an outcome per member.
   *
   * @throws BroadcastFailedError when there were recipients and none got it
   */
  broadcast(payload: Uint8Array, options?: BroadcastOptions): Promise<BroadcastOutcome>;
}
