import { formatAddress, type Address } from '../address.js';
import type { Clock } from '../clock.js';
import {
  BindError,
  ClosedError,
  NotStartedError,
  type HandshakeError,
  type ProtocolViolationError,
} from '../errors.js';
import type { Member, MembershipEvent } from '../membership/membership.js';
import type { LocalMember, MembershipProtocol, ProtocolNotice, TraceEvent } from '../membership/protocol.js';
import { swimCodec } from '../membership/swim/codec.js';
import type { SwimMessage } from '../membership/swim/messages.js';
import { Swim } from '../membership/swim/swim.js';
import type { NodeId } from '../node-id.js';
import type { Binding, Destination, IncomingMessage, Receipt, Transport } from '../transport/transport.js';
import { tcpTransport } from './tcp-transport.js';
import { hostToAdvertise } from './advertised-host.js';
import type { ResolvedOptions } from './options.js';
import type { NodeSecurity } from './security/node-security.js';
import { ProtocolRunner } from './protocol-runner.js';
import { epochMsOf } from './wall-clock.js';

/** Whom an engine tells what happens. */
export interface EngineListener {
  event(event: MembershipEvent): void;
  notice(notice: ProtocolNotice): void;
  receive(message: IncomingMessage): Receipt;
  violation(from: NodeId, error: ProtocolViolationError): void;
  stalled(ms: number): void;
  duplicateId(by: Destination): void;
  /** A handshake was refused, by this side or the other. */
  refused(error: HandshakeError): void;
  listenerLost(cause: unknown): void;
  trace(event: TraceEvent): void;
}

/**
 * One identity's life: a transport, a protocol and the timers between them. A node whose id turns out to be taken
 * closes its engine and starts another.
 */
export class Engine {
  readonly id: NodeId;
  readonly transport: Transport;
  readonly #options: ResolvedOptions;
  readonly #runner: ProtocolRunner<SwimMessage>;
  readonly #listener: EngineListener;
  #binding: Binding | undefined;
  #protocol: MembershipProtocol<SwimMessage> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    id: NodeId,
    options: ResolvedOptions,
    security: NodeSecurity,
    clock: Clock,
    random: () => number,
    listener: EngineListener,
  ) {
    this.id = id;
    this.#options = options;
    this.#listener = listener;
    const context = {
      clusterName: options.clusterName,
      id,
      nodeName: options.nodeName,
      security: security.sockets,
      clock,
      random,
      logger: options.logger,
      serializer: options.serializer.name,
      limits: options.limits,
      probeTimeoutMs: options.swim.probeTimeoutMs,
    };
    this.transport = (options.transport ?? tcpTransport)(context);
    this.#runner = new ProtocolRunner<SwimMessage>({
      codec: swimCodec,
      clock,
      random,
      epochMs: () => epochMsOf(clock),
      transport: () => this.transport,
      listener,
      trace: (event) => listener.trace(event),
    });
  }

  /** Undefined before `start`. */
  get protocol(): MembershipProtocol<SwimMessage> | undefined {
    return this.#protocol;
  }

  /** @throws NotStartedError before `bind` */
  get advertised(): Address {
    return this.#bound().advertised;
  }

  get bound(): Address {
    return this.#bound().bound;
  }

  /** @throws BindError when the port, or every port of the discovery's range, is taken */
  async bind(port: number | undefined): Promise<void> {
    if (port !== undefined) return this.#bindAt(port);
    const range = this.#options.discovery?.portRange ?? { first: 0, last: 0 };
    for (let candidate = range.first; candidate <= range.last; candidate++) {
      try {
        return await this.#bindAt(candidate);
      } catch (error) {
        if (!isInUse(error)) throw error;
      }
    }
    throw new BindError(
      `${this.#options.host}:${range.first}–${range.last}`,
      'every port of the range is taken; set "port", or give loopback() another range',
    );
  }

  /** Creates the protocol and begins probing, as a cluster of one. */
  start(local: LocalMember): void {
    this.#protocol = new Swim(this.#options.swim, local, this.#runner);
    this.#runner.start(this.#protocol);
  }

  /** Says goodbye, closes every link, cancels every timer. Idempotent. */
  close(reason: 'left' | 'shutdown'): Promise<void> {
    this.#runner.stop();
    this.#closed ??= this.transport.close(reason);
    return this.#closed;
  }

  async #bindAt(port: number): Promise<void> {
    if (this.#closed !== undefined) throw new ClosedError();
    const { host, advertise } = this.#options;
    const listener = this.#listener;
    this.#binding = await this.transport.bind(
      { host, port },
      {
        advertise: { host: advertise.host ?? hostToAdvertise(host), port: advertise.port },
        host: {
          ...this.#runner.host,
          record: () => this.#record(),
          receive: (message) => listener.receive(message),
          duplicateId: (by) => listener.duplicateId(by),
          refused: (_, error) => listener.refused(error),
          listenerLost: (cause) => listener.listenerLost(cause),
        },
      },
    );
  }

  #record(): Uint8Array {
    const local: Member | undefined = this.#protocol?.local;
    return local === undefined ? new Uint8Array(0) : swimCodec.encodeMember(local);
  }

  #bound(): Binding {
    if (this.#binding === undefined)
      throw new NotStartedError('The node is not bound yet: call bind() or start() first');
    return this.#binding;
  }
}

/** What people read of an engine's place. */
export function describePlace(bound: Address, advertised: Address): string {
  const at = formatAddress(bound);
  const as = formatAddress(advertised);
  return at === as ? at : `${at}, advertised as ${as}`;
}

function isInUse(error: unknown): boolean {
  return error instanceof BindError && (error.cause as { code?: unknown } | undefined)?.code === 'EADDRINUSE';
}
