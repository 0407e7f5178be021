import type { Clock } from '../../clock.js';
import type {
  BroadcastOptions,
  BroadcastOutcome,
  Member,
  Recipient,
  SendOptions,
} from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import type { IncomingMessage, Receipt } from '../../transport/transport.js';
import type { ClusterLimits } from '../limits.js';
import { checkBytes } from './argument-checks.js';
import type { Dispatcher } from './dispatcher.js';
import { Kind, Patterns, encodePatternMeta, encodeRawMeta, replyStream, type Headers } from './envelope.js';
import { Outbox, type MessengerNode } from './outbox.js';
import type {
  RequestAllOptions,
  RequestAnyOptions,
  RequestOptions,
  RequestOutcome,
} from './request-options.js';
import { Requester } from './requester.js';
import { sendingOf } from './sending.js';
import type { Serializer } from './serializer.js';

/** What the messenger is told once. */
export interface MessengerOptions {
  readonly serializer: Serializer;
  readonly limits: ClusterLimits;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

/** What makes the part that asks. */
export type MakeRequester = (...given: ConstructorParameters<typeof Requester>) => Requester;

/**
 * Messages and requests between members. What goes out takes the way of the {@link Outbox}, requests that of the
 * {@link Requester}; what arrives goes to the {@link Dispatcher}.
 */
export class Messenger {
  readonly #serializer: Serializer;
  readonly #patterns = new Patterns();
  readonly #outbox: Outbox;
  readonly #requester: Requester;

  constructor(
    node: MessengerNode,
    options: MessengerOptions,
    private readonly dispatcher: Dispatcher,
    makeRequester: MakeRequester = (...given) => new Requester(...given),
  ) {
    const { serializer, limits, requestTimeoutMs, clock } = options;
    this.#serializer = serializer;
    this.#outbox = new Outbox(node, serializer, limits, (message) => this.receive(message));
    const { requestsInFlight } = limits;
    this.#requester = makeRequester(
      node,
      { requestTimeoutMs, requestsInFlight, clock },
      this.#patterns,
      this.#outbox,
    );
  }

  get requestsInFlight(): number {
    return this.#requester.inFlight;
  }

  send(to: Recipient, payload: Uint8Array, options?: SendOptions): Promise<void> {
    return promised(() => {
      checkBytes(payload);
      const meta = encodeRawMeta(options?.headers);
      return this.#outbox.deliver(
        this.#outbox.route(to),
        payload,
        sendingOf(Kind.raw, meta, 0, options?.signal),
      );
    });
  }

  async broadcast(payload: Uint8Array, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    checkBytes(payload);
    const meta = encodeRawMeta(options?.headers);
    return this.#outbox.toAll(payload, sendingOf(Kind.raw, meta, 0, options?.signal), options);
  }

  emit(to: Recipient, pattern: string, data: unknown, options?: SendOptions): Promise<void> {
    return promised(() => {
      const { bytes, stream } = this.#patterns.of(pattern);
      const member = this.#outbox.route(to);
      const encoded = this.#outbox.encode(data);
      const meta = encodePatternMeta(bytes, options?.headers);
      const sending = sendingOf(Kind.event | encoded.kind, meta, stream, options?.signal);
      return this.#outbox.deliver(member, encoded.bytes, sending);
    });
  }

  async emitAll(pattern: string, data: unknown, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    const { bytes, stream } = this.#patterns.of(pattern);
    const encoded = this.#outbox.encode(data);
    const meta = encodePatternMeta(bytes, options?.headers);
    const sending = sendingOf(Kind.event | encoded.kind, meta, stream, options?.signal);
    return this.#outbox.toAll(encoded.bytes, sending, options);
  }

  request(to: Recipient, pattern: string, data: unknown, options?: RequestOptions): Promise<unknown> {
    return this.#requester.request(to, pattern, data, options);
  }

  requestAny(pattern: string, data: unknown, options?: RequestAnyOptions): Promise<unknown> {
    return this.#requester.requestAny(pattern, data, options);
  }

  requestAll(
    pattern: string,
    data: unknown,
    options?: RequestAllOptions,
  ): Promise<RequestOutcome<unknown>[]> {
    return this.#requester.requestAll(pattern, data, options);
  }

  /** A payload arrived. Never throws. */
  receive(message: IncomingMessage): Receipt {
    return this.dispatcher.receive(message, this);
  }

  expects(from: NodeId, requestId: number): boolean {
    return this.#requester.expects(from, requestId);
  }

  /** An answer arrived, if anybody still waits for it. */
  settle(from: NodeId, requestId: number, failure: boolean, value: unknown, headers: Headers): void {
    this.#requester.settle(from, requestId, failure, value, headers);
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
    const { kind, bytes } = this.#outbox.encode(value);
    const what = failure ? Kind.failure : Kind.reply;
    const sending = sendingOf(what | kind, meta, replyStream(requestStream), undefined, requestId, true);
    this.#outbox.post(this.#outbox.route(to), bytes, sending, settled);
  }

  decode(kind: number, payload: Uint8Array): unknown {
    return (kind & Kind.bytes) !== 0 ? payload : this.#serializer.deserialize(payload);
  }

  /** A member is gone: nobody waits for its answers any more. */
  forget(id: NodeId, why: string): void {
    this.#requester.forget(id, why);
  }

  close(): void {
    this.#requester.close();
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
