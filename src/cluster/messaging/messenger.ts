import type { Clock } from '../../clock.js';
import {
  ClusterError,
  DeliveryUncertainError,
  NoHandlerError,
  NotDeliveredError,
  PayloadTooLargeError,
  SerializationError,
  UnknownMemberError,
  clip,
} from '../../errors.js';
import {
  Member,
  type BroadcastOptions,
  type BroadcastOutcome,
  type Recipient,
  type SendOptions,
} from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import { AbortFan, type Abortable } from '../../transport/abort-fan.js';
import type { IncomingMessage, Posted, Receipt, Transport } from '../../transport/transport.js';
import type { ClusterLimits } from '../limits.js';
import { checkBytes, checkTimeout } from './argument-checks.js';
import { Dispatcher } from './dispatcher.js';
import { Kind, Patterns, encodePatternMeta, encodeRawMeta, replyStream, type Headers } from './envelope.js';
import { Broadcast } from './broadcast.js';
import { Loopback } from './loopback.js';
import { RequestTable, type PendingRequest } from './request-table.js';
import { aborted, asClusterError, remoteError, unheard } from './message-errors.js';
import type { RequestOptions, RequestOutcome } from './request-options.js';
import { sendingOf, type Sending } from './sending.js';
import type { Serializer } from './serializer.js';

/** What the messenger needs of its node. */
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

/** What the messenger is told once. */
export interface MessengerOptions {
  readonly serializer: Serializer;
  readonly limits: ClusterLimits;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

interface Encoded {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

/**
 * Messages and requests between members: finds the recipient, encodes, hands over to the transport, and joins
 * answers to their requests. What arrives goes to the {@link Dispatcher}.
 */
export class Messenger {
  readonly #node: MessengerNode;
  readonly #options: MessengerOptions;
  readonly #patterns = new Patterns();
  readonly #requests: RequestTable;
  readonly #loopback: Loopback;
  readonly #aborts = new AbortFan();
  #rotation = 0;

  constructor(
    node: MessengerNode,
    options: MessengerOptions,
    private readonly dispatcher: Dispatcher,
  ) {
    this.#node = node;
    this.#options = options;
    this.#requests = new RequestTable(options.clock, options.limits.requestsInFlight);
    this.#loopback = new Loopback((message) => this.receive(message), options.limits);
  }

  get requestsInFlight(): number {
    return this.#requests.size;
  }

  send(to: Recipient, payload: Uint8Array, options?: SendOptions): Promise<void> {
    return promised(() => {
      checkBytes(payload);
      const meta = encodeRawMeta(options?.headers);
      return this.#deliver(this.#route(to), payload, sendingOf(Kind.raw, meta, 0, options?.signal));
    });
  }

  async broadcast(payload: Uint8Array, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    checkBytes(payload);
    const meta = encodeRawMeta(options?.headers);
    return this.#toAll(payload, sendingOf(Kind.raw, meta, 0, options?.signal), options);
  }

  emit(to: Recipient, pattern: string, data: unknown, options?: SendOptions): Promise<void> {
    return promised(() => {
      const { bytes, stream } = this.#patterns.of(pattern);
      const member = this.#route(to);
      const encoded = this.#encode(data);
      const meta = encodePatternMeta(bytes, options?.headers);
      const sending = sendingOf(Kind.event | encoded.kind, meta, stream, options?.signal);
      return this.#deliver(member, encoded.bytes, sending);
    });
  }

  async emitAll(pattern: string, data: unknown, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    const { bytes, stream } = this.#patterns.of(pattern);
    const encoded = this.#encode(data);
    const meta = encodePatternMeta(bytes, options?.headers);
    const sending = sendingOf(Kind.event | encoded.kind, meta, stream, options?.signal);
    return this.#toAll(encoded.bytes, sending, options);
  }

  request(to: Recipient, pattern: string, data: unknown, options?: RequestOptions): Promise<unknown> {
    // What is thrown in here is a rejection, too.
    return new Promise((resolve, reject) => {
      const encodedPattern = this.#patterns.of(pattern);
      const member = this.#route(to);
      const { kind, bytes } = this.#encode(data);
      const signal = options?.signal;
      if (signal?.aborted)
        throw new NotDeliveredError('The request was aborted before it was sent', { cause: signal.reason });
      const timeoutMs = checkTimeout(options?.timeoutMs ?? this.#options.requestTimeoutMs);
      const meta = encodePatternMeta(encodedPattern.bytes, options?.headers);
      const pending =
        signal === undefined
          ? this.#requests.add(member.id, pattern, timeoutMs, resolve, reject)
          : this.#addAbortable(member.id, pattern, timeoutMs, resolve, reject, signal);
      if (options?.onReplyHeaders !== undefined)
        pending.onReplyHeaders = this.#guarded(pattern, options.onReplyHeaders);
      const sending = sendingOf(Kind.request | kind, meta, encodedPattern.stream, signal, pending.id);
      const settled = (error?: Error): void => {
        if (error !== undefined) this.#requests.fail(pending.id, unheard(pattern, error as ClusterError));
      };
      try {
        pending.posted = this.#post(member, bytes, sending, settled);
      } catch (error) {
        settled(asClusterError(error));
      }
    });
  }

  /** Asks one alive member that is not draining, each time another; tries the next when one certainly did nothing. */
  async requestAny(
    pattern: string,
    data: unknown,
    options?: RequestOptions & { readonly where?: ((member: Member) => boolean) | undefined },
  ): Promise<unknown> {
    const fit = this.#others().filter(
      (member) =>
        member.state === 'alive' && member.health !== 'draining' && (options?.where?.(member) ?? true),
    );
    const first = this.#rotation++;
    let last: ClusterError = new UnknownMemberError(
      `No member fits the request "${clip(pattern)}": none is alive, not draining and matches "where"`,
    );
    for (let i = 0; i < fit.length; i++) {
      try {
        return await this.request(fit[(first + i) % fit.length]!, pattern, data, options);
      } catch (error) {
        const didNothing = error instanceof NotDeliveredError || error instanceof NoHandlerError;
        if (!didNothing || options?.signal?.aborted) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Asks every other active member, with an outcome for each. */
  async requestAll(
    pattern: string,
    data: unknown,
    options?: RequestOptions,
  ): Promise<RequestOutcome<unknown>[]> {
    return Promise.all(
      this.#others().map(async (member) => {
        try {
          return { member, reply: await this.request(member, pattern, data, options) };
        } catch (error) {
          return { member, error: asClusterError(error) };
        }
      }),
    );
  }

  /** A payload arrived. Never throws. */
  receive(message: IncomingMessage): Receipt {
    return this.dispatcher.receive(message, this);
  }

  expects(from: NodeId, requestId: number): boolean {
    return this.#requests.has(requestId, from);
  }

  /** An answer arrived, if anybody still waits for it. */
  settle(from: NodeId, requestId: number, failure: boolean, value: unknown, headers: Headers): void {
    const pending = this.#requests.take(requestId, from);
    pending?.onReplyHeaders?.(headers);
    if (failure) pending?.reject(remoteError(pending.pattern, value));
    else pending?.resolve(value);
  }

  /**
   * Sends an answer; replies need no credit. `settled` is told what `send` would reject with, at once of one that has
   * gone: nobody would settle it.
   *
   * @throws what `send` throws before it sends
   */
  reply(
    to: Member,
    requestId: number,
    requestStream: number,
    failure: boolean,
    value: unknown,
    meta: Uint8Array,
    settled: (error?: Error) => void,
  ): void {
    const { kind, bytes } = this.#encode(value);
    const what = failure ? Kind.failure : Kind.reply;
    const sending = sendingOf(what | kind, meta, replyStream(requestStream), undefined, requestId, true);
    this.#post(this.#route(to), bytes, sending, settled);
  }

  decode(kind: number, payload: Uint8Array): unknown {
    return (kind & Kind.bytes) !== 0 ? payload : this.#options.serializer.deserialize(payload);
  }

  /** A member is gone: nobody waits for its answers any more. */
  forget(id: NodeId, why: string): void {
    const text = `The recipient ${why} before it answered; the request may have been handled`;
    afterTransport(() => this.#requests.failAllTo(id, () => new DeliveryUncertainError(text)));
  }

  close(): void {
    this.#requests.close();
  }

  /** A listener of the caller's: what it throws is the node's to report, and the answer settles all the same. */
  #guarded(pattern: string, listener: (headers: Headers) => void): (headers: Headers) => void {
    return (headers) => {
      try {
        listener(headers);
      } catch (error) {
        this.#node.listenerFailed(`onReplyHeaders of a request "${clip(pattern)}"`, error);
      }
    };
  }

  #addAbortable(
    to: NodeId,
    pattern: string,
    timeoutMs: number,
    resolve: (reply: unknown) => void,
    reject: (error: ClusterError) => void,
    signal: AbortSignal,
  ): PendingRequest {
    const abort: Abortable = {
      aborted: () => afterTransport(() => this.#requests.fail(pending.id, aborted(pattern, signal))),
    };
    const settled = (): void => this.#aborts.delete(signal, abort);
    const pending = this.#requests.add(
      to,
      pattern,
      timeoutMs,
      (reply) => (settled(), resolve(reply)),
      (error) => (settled(), reject(error)),
    );
    this.#aborts.add(signal, abort);
    return pending;
  }

  #others(): readonly Member[] {
    const self = this.#node.local().id;
    return this.#node.activeMembers().filter((member) => member.id !== self);
  }

  /** @throws UnknownMemberError, NotDeliveredError for one that left or is unreachable */
  #route(to: Recipient): Member {
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

  #encode(data: unknown): Encoded {
    if (data instanceof Uint8Array) return { kind: Kind.bytes, bytes: data };
    const { serializer } = this.#options;
    const bytes = serializer.serialize(data);
    if (bytes instanceof Uint8Array) return { kind: 0, bytes };
    throw new SerializationError(
      `The serializer "${clip(serializer.name)}" gave something else than bytes (a Uint8Array)`,
    );
  }

  #deliver(to: Member, payload: Uint8Array, sending: Sending): Promise<void> {
    const limit = this.#options.limits.payloadBytes;
    if (payload.length > limit) {
      return Promise.reject(new PayloadTooLargeError(payload.length, limit, 'limits.payloadBytes'));
    }
    if (to.id === this.#node.local().id) return this.#loopback.send(to.id, payload, sending);
    return this.#node.transport().send(to, payload, sending);
  }

  /** `#deliver` without a promise, where the transport can do that. */
  #post(
    to: Member,
    payload: Uint8Array,
    sending: Sending,
    settled: (error?: Error) => void,
  ): Posted | undefined {
    const isHere = to.id === this.#node.local().id;
    const transport = isHere ? undefined : this.#node.transport();
    if (transport?.post !== undefined && payload.length <= this.#options.limits.payloadBytes)
      return transport.post(to, payload, sending, settled);
    this.#deliver(to, payload, sending).then(() => settled(), settled);
    return undefined;
  }

  #toAll(
    payload: Uint8Array,
    sending: Sending,
    options: BroadcastOptions | undefined,
  ): Promise<BroadcastOutcome> {
    this.#node.checkOpen();
    const limit = this.#options.limits.payloadBytes;
    if (payload.length > limit) throw new PayloadTooLargeError(payload.length, limit, 'limits.payloadBytes');
    const recipients = options?.includeSelf ? this.#node.activeMembers() : this.#others();
    return new Promise((resolve, reject) => {
      const broadcast = new Broadcast(recipients.length, resolve, reject);
      for (const member of recipients) {
        try {
          this.#post(member, payload, sending, (error) => broadcast.settled(member, error));
        } catch (error) {
          broadcast.settled(member, error);
        }
      }
    });
  }
}

/** Without a promise of its own: what is thrown on the way is a rejection, too. */
function promised<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return begin();
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Two turns behind, one for the transport's promise and one in case its listener is called after ours: the transport
 * knows whether anything was written.
 */
function afterTransport(callback: () => void): void {
  queueMicrotask(() => queueMicrotask(callback));
}
