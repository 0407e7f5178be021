import type { Address } from '../address.js';
import { isUnspecifiedHost } from '../address.js';
import type { Clock } from '../clock.js';
import { ClosedError, InvalidOptionError, NotDeliveredError, PayloadTooLargeError } from '../errors.js';
import { silentLogger, type ClusterLogger } from '../logger.js';
import type { NodeId } from '../node-id.js';
import { AbortFan } from './abort-fan.js';
import { ListenerKeeper } from './listener-keeper.js';
import type { Links } from './link.js';
import { MessageSequence } from './message-sequence.js';
import { PendingSend, PostedSend } from './pending-send.js';
import { audit, differences } from './session/audit.js';
import { Endpoint } from './session/endpoint.js';
import {
  DEFAULT_DEADLINES,
  DEFAULT_LIMITS,
  META_BYTES,
  PROTOCOL_VERSIONS,
  STREAMS,
  type TransportDeadlines,
  type TransportLimits,
} from './session/limits.js';
import type { OutgoingMessage } from './session/message.js';
import type { Counters } from './session/world.js';
import { ShellWorld } from './shell-world.js';
import type {
  Binding,
  BindOptions,
  CastOptions,
  Destination,
  Posted,
  Transport,
  TransportSendOptions,
  TransportStats,
} from './transport.js';

/** What a {@link SessionTransport} is made of, besides its links. */
export interface SessionTransportOptions {
  readonly clusterName: string;
  readonly id: NodeId;
  /** This node's name, which peers with certificates check. Default: empty. */
  readonly nodeName?: string | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Default: says nothing. */
  readonly logger?: ClusterLogger | undefined;
  /** Name of the serializer of payloads; peers with another one are refused on the payload lane. Default: empty. */
  readonly serializer?: string | undefined;
  readonly versions?: { readonly min: number; readonly max: number } | undefined;
  readonly limits?: Partial<TransportLimits> | undefined;
  readonly deadlines?: Partial<TransportDeadlines> | undefined;
}

/** How long closing waits until goodbyes and last acknowledgements are written. */
const FLUSH_MS = 1000;
const FLUSH_LOOK_MS = 5;

const NO_OPTIONS = {};
const NOT_POSTED: Posted = { abort: () => undefined };

/**
 * A transport out of links: the pure endpoint decides, this shell owns promises, signals, timers and the listener.
 */
export class SessionTransport implements Transport {
  readonly #world: ShellWorld;
  readonly #endpoint: Endpoint;
  readonly #limits: TransportLimits;
  readonly #inbox = new MessageSequence();
  readonly #aborts = new AbortFan();
  #listener: ListenerKeeper | undefined;
  #closing: Promise<void> | undefined;
  /** Takes away what listens for the sake of an open transport. */
  readonly #closed = new AbortController();

  constructor(
    readonly links: Links,
    readonly options: SessionTransportOptions,
  ) {
    const { clock, random, logger = silentLogger } = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#world = new ShellWorld(links, clock, random, logger, this.#inbox, () => this.#endpoint.turnEnded());
    this.#endpoint = new Endpoint(this.#world, {
      clusterName: options.clusterName,
      id: options.id,
      name: options.nodeName ?? '',
      serializer: options.serializer ?? '',
      versions: options.versions ?? PROTOCOL_VERSIONS,
      limits: this.#limits,
      deadlines: { ...DEFAULT_DEADLINES, ...options.deadlines },
    });
  }

  async bind(endpoint: Address, options: BindOptions = NO_OPTIONS): Promise<Binding> {
    if (this.#closing !== undefined) throw new ClosedError('The transport');
    if (this.#listener !== undefined)
      throw new InvalidOptionError('bind', 'was called before: a transport listens once');
    const { signal } = options;
    signal?.throwIfAborted();
    this.#world.host = options.host ?? NO_OPTIONS;
    const listener = new ListenerKeeper(this.links, this.options.clock, (link) =>
      this.#endpoint.accept(link),
    );
    this.#listener = listener;
    let bound: Address;
    try {
      bound = await listener.open(endpoint, (cause) => this.#world.host.listenerLost?.(cause));
    } catch (error) {
      this.#listener = undefined;
      throw error;
    }
    if (this.#closing !== undefined) {
      await listener.close();
      throw new ClosedError('The transport');
    }
    const advertised = advertisedAddress(bound, options.advertise);
    this.#endpoint.advertised = advertised;
    listener.accepting = true;
    const unbind = (): void => {
      this.#inbox.end();
      void listener.close();
    };
    if (signal?.aborted === true) unbind();
    else signal?.addEventListener('abort', unbind, { once: true, signal: this.#closed.signal });
    const inbox = this.#inbox;
    return { bound, advertised, [Symbol.asyncIterator]: () => inbox };
  }

  send(
    destination: Destination,
    payload: Uint8Array,
    options: TransportSendOptions = NO_OPTIONS,
  ): Promise<void> {
    const objection = this.#objection(payload, options);
    if (objection !== undefined) return Promise.reject(objection);
    const message = new PendingSend(payload, options, this.#aborts);
    this.#send(destination, message);
    return message.promise;
  }

  post(
    destination: Destination,
    payload: Uint8Array,
    options: TransportSendOptions,
    settled: (error?: Error) => void,
  ): Posted {
    const objection = this.#objection(payload, options);
    if (objection !== undefined) {
      queueMicrotask(() => settled(objection));
      return NOT_POSTED;
    }
    const message = new PostedSend(payload, options, this.#aborts, settled);
    this.#send(destination, message);
    return message;
  }

  cast(destination: Destination, body: unknown, options: CastOptions = NO_OPTIONS): void {
    this.#world.enter();
    const cast = { body, unsent: options.unsent };
    if (this.#listener?.accepting === true) this.#endpoint.cast(destination, cast, options.via ?? 'kept');
    else this.#endpoint.unsent(cast);
    this.#world.exit();
  }

  grant(id: NodeId): void {
    this.#world.enter();
    this.#endpoint.grant(id);
    this.#world.exit();
  }

  forget(id: NodeId, why: 'left' | 'unreachable'): void {
    this.#world.enter();
    this.#endpoint.forget(id, why);
    this.#world.exit();
  }

  reset(id: NodeId): void {
    this.#world.enter();
    this.#endpoint.reset(id);
    this.#world.exit();
  }

  revalidate(): void {
    this.#world.enter();
    this.#endpoint.revalidate();
    this.#world.exit();
  }

  /** Every figure that the endpoint counts. */
  get counters(): Readonly<Counters> {
    return this.#endpoint.counters;
  }

  /** What is wrong with this transport's books; for tests and simulation. */
  audit(options: { readonly isCalm: boolean }): string[] {
    return audit(this.#endpoint, options.isCalm);
  }

  /** In what this transport and another one differ about the session that leads there, at rest. */
  differences(receiver: SessionTransport): string[] {
    return differences(this.#endpoint, receiver.#endpoint);
  }

  /** Peers of whom anything is kept. */
  get peerCount(): number {
    return this.#endpoint.peerCount;
  }

  get stats(): TransportStats {
    const { counters, lanes } = this.#endpoint;
    return {
      protocolLinks: lanes.protocolPool.size,
      payloadLinks: lanes.payloadPool.size,
      sockets: this.links.open,
      bytesIn: this.links.bytesIn,
      bytesOut: this.links.bytesOut,
      messagesIn: counters.messagesIn,
      messagesOut: counters.messagesOut,
      resumed: counters.resumed,
      closedFor: { ...counters.closedFor },
    };
  }

  ref(): void {
    this.links.ref?.();
  }

  unref(): void {
    this.links.unref?.();
  }

  close(reason: 'left' | 'shutdown' = 'shutdown'): Promise<void> {
    return (this.#closing ??= this.#close(reason));
  }

  #send(destination: Destination, message: OutgoingMessage): void {
    this.#world.enter();
    this.#endpoint.send(destination, message);
    this.#world.exit();
  }

  async #close(reason: 'left' | 'shutdown'): Promise<void> {
    this.#world.enter();
    this.#endpoint.close(reason);
    this.#world.exit();
    this.#inbox.end();
    const listenerClosed = this.#listener?.close();
    await this.#flushed();
    this.#closed.abort();
    this.#world.stop();
    await this.links.close();
    await listenerClosed;
  }

  /** Waits until all links have ended by themselves, but not for long. */
  async #flushed(): Promise<void> {
    const { clock } = this.options;
    const endMs = clock.now() + FLUSH_MS;
    while (this.links.open > 0 && clock.now() < endMs) {
      await new Promise<void>((resolve) => {
        clock.setTimer(FLUSH_LOOK_MS, resolve);
      });
    }
  }

  #objection(payload: Uint8Array, options: TransportSendOptions): Error | undefined {
    const { payloadBytes } = this.#limits;
    const { stream = 0, kind = 0, correlation = 0, meta, signal } = options;
    if (!(payload instanceof Uint8Array)) {
      return new InvalidOptionError('payload', 'must be bytes (a Uint8Array or Buffer)');
    }
    if (payload.length > payloadBytes)
      return new PayloadTooLargeError(payload.length, payloadBytes, 'limits.payloadBytes');
    if (meta !== undefined && meta.length > META_BYTES)
      return new PayloadTooLargeError(meta.length, META_BYTES, 'meta');
    if (!isBelow(stream, STREAMS))
      return new InvalidOptionError('stream', `must be an integer from 0 to ${STREAMS - 1}, not ${stream}`);
    if (!isBelow(kind, 256))
      return new InvalidOptionError('kind', `must be an integer from 0 to 255, not ${kind}`);
    if (!isBelow(correlation, 2 ** 32))
      return new InvalidOptionError('correlation', `must be an integer of 32 bits, not ${correlation}`);
    if (signal?.aborted === true) {
      return new NotDeliveredError('The send was aborted before it began', { cause: signal.reason });
    }
    if (this.#listener?.accepting !== true) {
      return new NotDeliveredError('The transport is not bound: nothing was sent');
    }
    return undefined;
  }
}

function isBelow(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}

function advertisedAddress(bound: Address, advertise: BindOptions['advertise']): Address {
  // "Every interface" cannot be dialled; without a word about it, peers on this machine still can.
  const fallback = bound.host === '::' ? '::1' : isUnspecifiedHost(bound.host) ? '127.0.0.1' : bound.host;
  return { host: advertise?.host ?? fallback, port: advertise?.port ?? bound.port };
}
