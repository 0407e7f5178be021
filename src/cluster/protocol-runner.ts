import { sameAddress, type Address } from '../address.js';
import { clip, ProtocolViolationError } from '../errors.js';
import type { MembershipEvent } from '../membership/membership.js';
import type {
  KnownPeer,
  MembershipProtocol,
  Peer,
  ProtocolCodec,
  ProtocolNotice,
  ProtocolSendOptions,
  ProtocolTimer,
  TraceEvent,
  World,
} from '../membership/protocol.js';
import type { Clock } from '../clock.js';
import type { NodeId } from '../node-id.js';
import type { Transport, TransportHost } from '../transport/transport.js';
import { ProtocolTimers } from './protocol-timers.js';

/** Whom the runner tells what its protocol did. */
export interface RunnerListener {
  event(event: MembershipEvent): void;
  notice(notice: ProtocolNotice): void;
  /** A peer sent bytes that are no message of the protocol. */
  violation(from: NodeId, error: ProtocolViolationError): void;
  /** The event loop stood still. */
  stalled(ms: number): void;
}

/** What a runner is made of. */
export interface RunnerParts<M> {
  readonly codec: ProtocolCodec<M>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly epochMs: () => number;
  readonly transport: () => Transport;
  readonly listener: RunnerListener;
  readonly trace?: ((event: TraceEvent) => void) | undefined;
}

/**
 * Runs a protocol live: it is the protocol's {@link World}, owns its timers, and turns what the transport reports
 * into its inputs. Inputs before `start` and after `stop` are dropped, so a node that is bound but has not joined
 * is silent.
 */
export class ProtocolRunner<M> implements World<M> {
  readonly host: TransportHost;
  readonly trace?: (event: TraceEvent) => void;
  readonly #parts: RunnerParts<M>;
  readonly #timers: ProtocolTimers;
  #protocol: MembershipProtocol<M> | undefined;

  constructor(parts: RunnerParts<M>) {
    this.#parts = parts;
    if (parts.trace !== undefined) this.trace = parts.trace;
    this.#timers = new ProtocolTimers(parts.clock, {
      fire: (timer, lateMs) => this.#protocol?.timer(timer, lateMs),
      stalled: (ms) => {
        parts.listener.stalled(ms);
        this.#protocol?.stalled(ms);
      },
    });
    this.host = {
      identify: (peer) => this.#identify(peer),
      holds: ({ id, address }) => this.#holds(id, address),
      introduce: (peer, record) => this.#introduce(peer, record),
      protocolMessage: (from, body) => this.#receive(from, body),
      link: (about, report, by) => this.#protocol?.link(about, report, by),
    };
  }

  start(protocol: MembershipProtocol<M>): void {
    this.#protocol = protocol;
    protocol.start();
  }

  /** Idempotent. */
  stop(): void {
    this.#protocol?.stop();
    this.#protocol = undefined;
    this.#timers.stop();
  }

  // --- what the protocol may do ---

  now(): number {
    return this.#timers.now();
  }

  epochMs(): number {
    return this.#parts.epochMs();
  }

  random(): number {
    return this.#parts.random();
  }

  send(to: Peer, message: M, options: ProtocolSendOptions = {}): void {
    const { via, token } = options;
    const unsent = token === undefined ? undefined : () => this.#protocol?.unsent(token);
    this.#parts.transport().cast(to, this.#parts.codec.encode(message), { via, unsent });
  }

  after(delayMs: number, timer: ProtocolTimer): void {
    this.#timers.after(delayMs, timer);
  }

  afterPoll(timer: ProtocolTimer): void {
    this.#timers.afterPoll(timer);
  }

  cancel(timer: ProtocolTimer): void {
    this.#timers.cancel(timer);
  }

  resetLink(id: NodeId): void {
    this.#parts.transport().reset(id);
  }

  emit(event: MembershipEvent): void {
    this.#parts.listener.event(event);
  }

  notice(notice: ProtocolNotice): void {
    this.#parts.listener.notice(notice);
  }

  // --- what the transport tells ---

  /** An id keeps its name: a certificate for another one does not speak for it. */
  #identify({ id, provenName }: KnownPeer): string | undefined {
    const member = this.#protocol?.member(id);
    if (member === undefined || provenName === undefined || member.name === provenName) return undefined;
    return `the id ${id} belongs to a member that is not called "${clip(provenName)}"`;
  }

  #holds(id: NodeId, address: Address): boolean {
    const member = this.#protocol?.member(id);
    return member?.isActive === true && sameAddress(member.address, address);
  }

  #receive(from: KnownPeer, body: unknown): void {
    const protocol = this.#protocol;
    if (protocol === undefined) return;
    const message = this.#decode(from.id, () => this.#parts.codec.decode(body as Uint8Array));
    if (message !== undefined) protocol.receive(from, message);
  }

  #introduce(from: KnownPeer, record: Uint8Array): 'grant' | 'wait' | 'refuse' {
    const protocol = this.#protocol;
    if (protocol === undefined) return 'wait';
    const member = this.#decode(from.id, () => this.#parts.codec.decodeMember(record));
    return member === undefined || member.id !== from.id
      ? 'refuse'
      : protocol.introduce(member, from.provenName);
  }

  /** Undefined, counted and logged, when a peer's bytes are not what they should be. */
  #decode<T>(from: NodeId, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof ProtocolViolationError)) throw error;
      this.#parts.listener.violation(from, error);
      return undefined;
    }
  }
}
