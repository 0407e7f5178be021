import {
  NotDeliveredError,
  PayloadTooLargeError,
  SerializationError,
  UnknownMemberError,
  clip,
} from '../../errors.js';
import type { BroadcastOptions, BroadcastOutcome, Member, Recipient } from '../../membership/membership.js';
import type { IncomingMessage, Posted, Receipt, Transport } from '../../transport/transport.js';
import type { ClusterLimits } from '../limits.js';
import { Broadcast } from './broadcast.js';
import { Kind } from './envelope.js';
import { Loopback } from './loopback.js';
import type { Sending } from './sending.js';
import type { Serializer } from './serializer.js';

/** What sending needs of its node. */
export interface MessengerNode {
  /** @throws ClosedError when the node has left */
  checkOpen(): void;
  /** @throws NotDeliveredError when the node cannot send now, ClosedError when it has left */
  transport(): Transport;
  local(): Member;
  find(id: string): Member | undefined;
  activeMembers(): readonly Member[];
  /** A function that the caller gave threw, and nobody else will hear of it. */
  listenerFailed(what: string, error: unknown): void;
}

/** A value as it travels. */
export interface Encoded {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/** Finds recipients, encodes values, and hands both over to the transport, or to the node itself. */
export class Outbox {
  readonly #node: MessengerNode;
  readonly #serializer: Serializer;
  readonly #limits: ClusterLimits;
  readonly #loopback: Loopback;

  /** @param receive takes what this node sends to itself */
  constructor(
    node: MessengerNode,
    serializer: Serializer,
    limits: ClusterLimits,
    receive: (message: IncomingMessage) => Receipt,
  ) {
    this.#node = node;
    this.#serializer = serializer;
    this.#limits = limits;
    this.#loopback = new Loopback(receive, limits);
  }

  /** All active members but this one. */
  others(): readonly Member[] {
    const self = this.#node.local().id;
    return this.#node.activeMembers().filter((member) => member.id !== self);
  }

  /** @throws UnknownMemberError, NotDeliveredError for one that left or is unreachable */
  route(to: Recipient): Member {
    this.#node.checkOpen();
    const id: unknown = typeof to === 'string' ? to : (to as Member | undefined)?.id;
    if (typeof id !== 'string') {
      throw new UnknownMemberError('The recipient is no member and no id: did member(id) find nobody?');
    }
    const local = this.#node.local();
    if (id === local.id) return local;
    this.#node.transport();
    const member = this.#node.find(id);
    if (member === undefined)
      throw new UnknownMemberError(`No member with the id "${clip(id)}" is known here`);
    if (!member.isActive) {
      const why = member.state === 'left' ? 'has left' : 'is unreachable';
      throw new NotDeliveredError(`${clip(member.name)} (${member.id}) ${why}`);
    }
    return member;
  }

  /** @throws SerializationError */
  encode(data: unknown): Encoded {
    if (data instanceof Uint8Array) return { kind: Kind.bytes, bytes: data };
    const serializer = this.#serializer;
    const bytes = serializer.serialize(data);
    if (bytes instanceof Uint8Array) return { kind: 0, bytes };
    throw new SerializationError(
      `The serializer "${clip(serializer.name)}" gave something else than bytes (a Uint8Array)`,
    );
  }

  /** Resolves as `send` does. */
  deliver(to: Member, payload: Uint8Array, sending: Sending): Promise<void> {
    const limit = this.#limits.payloadBytes;
    if (payload.length > limit) {
      return Promise.reject(new PayloadTooLargeError(payload.length, limit, 'limits.payloadBytes'));
    }
    if (to.id === this.#node.local().id) return this.#loopback.send(to.id, payload, sending);
    return this.#node.transport().send(to, payload, sending);
  }

  /** `deliver` without a promise, where the transport can do that. */
  post(
    to: Member,
    payload: Uint8Array,
    sending: Sending,
    settled: (error?: Error) => void,
  ): Posted | undefined {
    const isHere = to.id === this.#node.local().id;
    const transport = isHere ? undefined : this.#node.transport();
    if (transport?.post !== undefined && payload.length <= this.#limits.payloadBytes)
      return transport.post(to, payload, sending, settled);
    this.deliver(to, payload, sending).then(() => settled(), settled);
    return undefined;
  }

  toAll(
    payload: Uint8Array,
    sending: Sending,
    options: BroadcastOptions | undefined,
  ): Promise<BroadcastOutcome> {
    this.#node.checkOpen();
    const limit = this.#limits.payloadBytes;
    if (payload.length > limit) throw new PayloadTooLargeError(payload.length, limit, 'limits.payloadBytes');
    const recipients = options?.includeSelf ? this.#node.activeMembers() : this.others();
    return new Promise((resolve, reject) => {
      const broadcast = new Broadcast(recipients.length, resolve, reject);
      for (const member of recipients) {
        try {
          this.post(member, payload, sending, (error) => broadcast.settled(member, error));
        } catch (error) {
          broadcast.settled(member, error);
        }
      }
    });
  }
}
