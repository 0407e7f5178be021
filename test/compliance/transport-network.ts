import type { Address } from '../../src/address.js';
import type { ClusterLogger } from '../../src/logger.js';
import { createNodeId, type NodeId } from '../../src/node-id.js';
import type {
  Binding,
  Destination,
  IncomingMessage,
  Receipt,
  Transport,
  TransportHost,
  TransportSendOptions,
} from '../../src/transport/transport.js';

/** What a node of the suite is made with. */
export interface NodeSettings {
  readonly id: NodeId;
  readonly clusterName: string;
  readonly logger: ClusterLogger;
  readonly limits: { readonly windowMessages?: number; readonly payloadBytes?: number };
}

/** One network with a few nodes, as the suite needs it of every transport. */
export interface TransportFixture {
  /** A transport that is not bound yet. */
  create(settings: NodeSettings): Transport;
  /** Where the next node listens; port 0 for any, unless it is given. */
  endpoint(port?: number): Address;
  /** Breaks every link of a node, without a goodbye, as a network does. */
  breakLinks(id: NodeId): void;
  /** Ends a node as SIGKILL does. */
  kill(id: NodeId): Promise<void>;
  /** Lets time pass, real or virtual, until the condition holds. Fails after 10 s of it. */
  until(condition: () => boolean): Promise<void>;
  /** Closes what is left. */
  close(): Promise<void>;
}

export interface NodeOptions {
  readonly clusterName?: string;
  readonly limits?: NodeSettings['limits'];
  readonly port?: number;
  /** Messages are read from the binding's sequence. */
  readonly reader?: boolean;
}

interface Received {
  readonly from: NodeId;
  readonly stream: number;
  readonly kind: number;
  readonly meta: Uint8Array;
  readonly payload: Uint8Array;
}

export class TestNetwork {
  private readonly nodes: TestNode[] = [];

  constructor(readonly fixture: TransportFixture) {}

  async node(options: NodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(this.fixture, this.nodes.length + 1, options);
    this.nodes.push(node);
    await this.done(node.bind(options));
    return node;
  }

  until(condition: () => boolean): Promise<void> {
    return this.fixture.until(condition);
  }

  /** Lets time pass until the promise settles. */
  async done<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => (settled = true);
    promise.then(mark, mark);
    await this.until(() => settled);
    return promise;
  }

  /** A while in which something that must not happen would have happened. */
  async pause(): Promise<void> {
    let polls = 0;
    await this.until(() => ++polls > 20);
  }

  async close(): Promise<void> {
    await this.done(Promise.all(this.nodes.map((node) => node.transport.close())));
    await this.fixture.close();
  }
}

export class TestNode {
  readonly id: NodeId;
  readonly transport: Transport;
  readonly received: Received[] = [];
  readonly held: IncomingMessage[] = [];
  readonly casts: { from: NodeId; body: string }[] = [];
  readonly reports: { about: Destination; report: string; by: NodeId | undefined }[] = [];
  readonly logs: string[] = [];
  /** Called at each cast, when it comes. */
  onCast: () => void = () => undefined;
  /** Messages are not released. */
  keeps = false;
  receipt: Receipt = 'held';
  binding!: Binding;

  constructor(
    private readonly fixture: TransportFixture,
    number: number,
    options: NodeOptions,
  ) {
    this.id = createNodeId(number, new Uint8Array(10).fill(number));
    const write = (message: string) => void this.logs.push(message);
    this.transport = fixture.create({
      id: this.id,
      clusterName: options.clusterName ?? 'compliance',
      logger: { debug: write, log: write, warn: write, error: write },
      limits: options.limits ?? {},
    });
  }

  get address(): Address {
    return this.binding.advertised;
  }

  get destination(): Destination {
    return { address: this.address, id: this.id };
  }

  get texts(): string[] {
    return this.received.map(textOf);
  }

  async bind(options: NodeOptions): Promise<void> {
    const host: TransportHost = {
      protocolMessage: (from, body) => {
        this.casts.push({ from: from.id, body: Buffer.from(body as never).toString() });
        this.onCast();
      },
      link: (about, report, by) => void this.reports.push({ about, report, by }),
      ...(options.reader === true ? {} : { receive: (message) => this.receive(message) }),
    };
    this.binding = await this.transport.bind(this.fixture.endpoint(options.port), { host });
  }

  send(to: TestNode, payload: Uint8Array, options?: TransportSendOptions): Promise<void> {
    return this.transport.send(to.destination, payload, options);
  }

  /** Makes a protocol link to another node. */
  async reach(other: TestNode): Promise<void> {
    this.transport.cast(other.destination, text('reach'));
    await this.fixture.until(() => other.casts.some((cast) => cast.from === this.id));
  }

  reportsAbout(other: TestNode): string[] {
    const { id, address } = other.destination;
    return this.reports
      .filter(
        ({ about }) => about.id === id || (about.id === undefined && about.address.port === address.port),
      )
      .map(({ report }) => report);
  }

  private receive(message: IncomingMessage): Receipt {
    if (this.receipt !== 'held') return this.receipt;
    const { from, stream, kind, meta, payload } = message;
    this.received.push({
      from,
      stream,
      kind,
      meta: Uint8Array.from(meta),
      payload: Uint8Array.from(payload),
    });
    if (this.keeps) this.held.push(message);
    else message.release();
    return 'held';
  }
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function textOf(message: { readonly payload: Uint8Array }): string {
  return new TextDecoder().decode(message.payload);
}

export function count(upTo: number): string[] {
  return Array.from({ length: upTo }, (_, i) => `${i}`);
}

export function noise(bytes: number): Uint8Array {
  const result = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) result[i] = (i * 2_654_435_761) >>> 24;
  return result;
}
