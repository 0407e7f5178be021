import type { Address } from '../../src/address.js';
import type { ClusterLogger } from '../../src/logger.js';
import { createNodeId, type NodeId } from '../../src/node-id.js';
import { Random } from '../../src/simulation/random.js';
import type { EventLoop } from '../../src/simulation/clock/event-loop.js';
import { VirtualClock } from '../../src/simulation/clock/virtual-clock.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../src/transport/memory/memory-network.js';
import { SessionTransport, type SessionTransportOptions } from '../../src/transport/session-transport.js';
import type {
  Binding,
  IncomingMessage,
  ProvenPeer,
  Receipt,
  TransportHost,
  TransportSendOptions,
} from '../../src/transport/transport.js';

/** What became of a promise. */
export interface Outcome {
  /** `pending`, `acknowledged`, or the name of the error. */
  state: string;
  error?: Error;
}

export interface NodeOptions extends Partial<SessionTransportOptions> {
  readonly host?: TransportHost;
  readonly port?: number;
  readonly advertise?: { host?: string; port?: number };
  /** Sends frames as bytes through the codec. */
  readonly wire?: boolean;
  /** The process that it runs in, where that can stand still. */
  readonly loop?: EventLoop;
}

/** A transport, and everything that its host was told. */
export class RecordedNode {
  readonly reports: string[] = [];
  readonly casts: { from: ProvenPeer; body: unknown }[] = [];
  readonly received: IncomingMessage[] = [];
  readonly warnings: string[] = [];
  readonly transport: SessionTransport;
  address!: Address;
  binding!: Binding;
  /** How messages are taken. */
  takes: (message: IncomingMessage) => Receipt = (message) => {
    message.release();
    return 'held';
  };

  constructor(
    readonly name: string,
    readonly id: NodeId,
    readonly cluster: Transports,
    readonly options: NodeOptions,
  ) {
    const logger: ClusterLogger = {
      debug: () => {},
      log: () => {},
      warn: (message) => void this.warnings.push(message),
      error: (message, cause) => void this.warnings.push(`${message}: ${String(cause)}`),
    };
    this.transport = new SessionTransport(
      cluster.network.links(name, { wire: options.wire, loop: options.loop }),
      {
        clusterName: 'test',
        id,
        clock: options.loop ?? cluster.clock,
        random: () => cluster.random.next(),
        logger,
        ...options,
      },
    );
  }

  async bind(): Promise<this> {
    this.binding = await this.transport.bind(
      { host: '10.0.0.1', port: this.options.port ?? 0 },
      {
        advertise: this.options.advertise,
        host: {
          protocolMessage: (from, body) => void this.casts.push({ from, body }),
          link: (about, report, by) =>
            void this.reports.push(
              [report, this.cluster.nameOf(about.id) ?? `${about.address.port}`, this.cluster.nameOf(by)]
                .filter((word) => word !== undefined)
                .join(' '),
            ),
          receive: (message) => {
            this.received.push(message);
            return this.takes(message);
          },
          duplicateId: () => void this.reports.push('duplicate-id'),
          ...this.options.host,
        },
      },
    );
    this.address = this.binding.bound;
    return this;
  }

  get destination(): ProvenPeer {
    return { address: this.address, id: this.id };
  }

  send(to: RecordedNode, payload: Uint8Array | string, options?: TransportSendOptions): Outcome {
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    return this.cluster.watch(this.transport.send(to.destination, bytes, options));
  }

  cast(to: RecordedNode, body: unknown, via?: 'kept' | 'fresh' | 'verify'): { unsent: number } {
    const counted = { unsent: 0 };
    this.transport.cast(to.destination, body, { via, unsent: () => void counted.unsent++ });
    return counted;
  }

  get texts(): string[] {
    return this.received.map(({ payload }) => new TextDecoder().decode(payload));
  }

  get bodies(): unknown[] {
    return this.casts.map(({ body }) => body);
  }
}

/** Transports on one virtual network. */
export class Transports {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly network: MemoryNetwork;
  readonly #names = new Map<NodeId, string>();
  #born = 1000;

  constructor(seed = 1, options: Partial<MemoryNetworkOptions> = {}) {
    this.random = new Random(seed);
    this.network = new MemoryNetwork({ clock: this.clock, random: () => this.random.next(), ...options });
  }

  /** Ids grow in the order of creation. */
  async node(name: string, options: NodeOptions = {}): Promise<RecordedNode> {
    const id = options.id ?? createNodeId(this.#born++, this.random.bytes(10));
    this.#names.set(id, name);
    return new RecordedNode(name, id, this, options).bind();
  }

  nameOf(id: NodeId | undefined): string | undefined {
    return id === undefined ? undefined : (this.#names.get(id) ?? id);
  }

  watch(promise: Promise<unknown>): Outcome {
    const outcome: Outcome = { state: 'pending' };
    promise.then(
      () => (outcome.state = 'acknowledged'),
      (error: Error) => {
        outcome.state = error.name;
        outcome.error = error;
      },
    );
    return outcome;
  }

  run(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  async close(...nodes: RecordedNode[]): Promise<void> {
    const closed = this.watch(Promise.all(nodes.map((node) => node.transport.close())));
    await this.clock.advanceUntil(() => closed.state !== 'pending', 5000);
    if (closed.error !== undefined) throw closed.error;
  }
}
