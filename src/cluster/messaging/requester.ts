import type { Clock } from '../../clock.js';
import { DeliveryUncertainError, NotDeliveredError, clip, type ClusterError } from '../../errors.js';
import type { Member, Recipient } from '../../membership/membership.js';
import type { NodeId } from '../../node-id.js';
import { AbortFan, type Abortable } from '../../transport/abort-fan.js';
import { checkTimeout, checkWhere } from './argument-checks.js';
import { Kind, encodePatternMeta, type EncodedPattern, type Headers, type Patterns } from './envelope.js';
import { aborted, asClusterError, remoteError, unheard } from './message-errors.js';
import type { Encoded, MessengerNode, Outbox } from './outbox.js';
import { requestAny } from './request-any.js';
import type {
  RequestAllOptions,
  RequestAnyOptions,
  RequestOptions,
  RequestOutcome,
} from './request-options.js';
import { RequestTable, type PendingRequest } from './request-table.js';
import { Rotation } from './rotation.js';
import { sendingOf } from './sending.js';

/** What requests are told once. */
export interface RequesterOptions {
  readonly requestTimeoutMs: number;
  readonly requestsInFlight: number;
  readonly clock: Clock;
}

/** Asks one member, any or all, and joins answers to requests. */
export class Requester {
  readonly #node: MessengerNode;
  readonly #options: RequesterOptions;
  readonly #patterns: Patterns;
  readonly #outbox: Outbox;
  readonly #requests: RequestTable;
  readonly #aborts = new AbortFan();
  readonly #rotation = new Rotation();

  constructor(node: MessengerNode, options: RequesterOptions, patterns: Patterns, outbox: Outbox) {
    this.#node = node;
    this.#options = options;
    this.#patterns = patterns;
    this.#outbox = outbox;
    this.#requests = new RequestTable(options.clock, options.requestsInFlight);
  }

  get inFlight(): number {
    return this.#requests.size;
  }

  request(to: Recipient, pattern: string, data: unknown, options?: RequestOptions): Promise<unknown> {
    // What is thrown in here is a rejection, too.
    return new Promise((resolve, reject) => {
      const encodedPattern = this.#patterns.of(pattern);
      const member = this.#outbox.route(to);
      const encoded = this.#outbox.encode(data);
      const timeoutMs = checkTimeout(options?.timeoutMs ?? this.#options.requestTimeoutMs);
      this.#ask(member, pattern, encodedPattern, encoded, timeoutMs, options, resolve, reject);
    });
  }

  /** Asks one alive member that is not draining, each time another; tries the next when one certainly did nothing. */
  async requestAny(pattern: string, data: unknown, options: RequestAnyOptions = {}): Promise<unknown> {
    this.#patterns.of(pattern);
    const { where, includeSelf, signal, timeoutMs = this.#options.requestTimeoutMs } = options;
    checkWhere(where);
    this.#node.checkOpen();
    return requestAny(
      {
        pattern,
        timeoutMs: checkTimeout(timeoutMs),
        signal,
        now: () => this.#options.clock.now(),
        fit: () => this.#candidates(includeSelf).filter((one) => canServe(one) && (where?.(one) ?? true)),
        ask: (member, leftMs) => {
          options.onAsk?.(member);
          return this.request(member, pattern, data, { ...options, timeoutMs: leftMs });
        },
      },
      this.#rotation,
    );
  }

  /** Asks the other active members that fit at once, with an outcome for each by the deadline. */
  async requestAll(
    pattern: string,
    data: unknown,
    options: RequestAllOptions = {},
  ): Promise<RequestOutcome<unknown>[]> {
    const encodedPattern = this.#patterns.of(pattern);
    const { where, includeSelf, timeoutMs = this.#options.requestTimeoutMs } = options;
    checkWhere(where);
    checkTimeout(timeoutMs);
    this.#node.checkOpen();
    const encoded = this.#outbox.encode(data);
    const asked = this.#candidates(includeSelf).filter((member) => where?.(member) ?? true);
    return Promise.all(
      asked.map(async (member): Promise<RequestOutcome<unknown>> => {
        try {
          return {
            member,
            reply: await this.ask(member, pattern, encodedPattern, encoded, timeoutMs, options),
          };
        } catch (error) {
          return { member, error: asClusterError(error) };
        }
      }),
    );
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

  /** A member is gone: nobody waits for its answers any more. */
  forget(id: NodeId, why: string): void {
    this.#rotation.forget(id);
    const text = `The recipient ${why} before it answered; the request may have been handled`;
    afterTransport(() => this.#requests.failAllTo(id, () => new DeliveryUncertainError(text)));
  }

  close(): void {
    this.#requests.close();
  }

  /** A request of many: what they have in common is encoded already. */
  protected ask(
    member: Member,
    pattern: string,
    encodedPattern: EncodedPattern,
    encoded: Encoded,
    timeoutMs: number,
    options: RequestOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) =>
      this.#ask(member, pattern, encodedPattern, encoded, timeoutMs, options, resolve, reject),
    );
  }

  #candidates(includeSelf: boolean | undefined): readonly Member[] {
    return includeSelf ? this.#node.activeMembers() : this.#outbox.others();
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

  /** Sends a request and joins it to its answer. @throws what stands against it before it is sent */
  #ask(
    member: Member,
    pattern: string,
    encodedPattern: EncodedPattern,
    { kind, bytes }: Encoded,
    timeoutMs: number,
    options: RequestOptions | undefined,
    resolve: (reply: unknown) => void,
    reject: (error: ClusterError) => void,
  ): void {
    const signal = options?.signal;
    if (signal?.aborted)
      throw new NotDeliveredError('The request was aborted before it was sent', { cause: signal.reason });
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
      pending.posted = this.#outbox.post(member, bytes, sending, settled);
    } catch (error) {
      settled(asClusterError(error));
    }
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
}

/** Whether a member is there for new requests. */
function canServe(member: Member): boolean {
  return member.state === 'alive' && member.health !== 'draining';
}

/**
 * Two turns behind, one for the transport's promise and one in case its listener is called after ours: the transport
 * knows whether anything was written.
 */
function afterTransport(callback: () => void): void {
  queueMicrotask(() => queueMicrotask(callback));
}
