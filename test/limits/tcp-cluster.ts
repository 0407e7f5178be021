import { connect, type Socket } from 'node:net';
import type { ClusterLimits } from '../../src/cluster/limits.js';
import type { ClusterNode } from '../../src/cluster/node.js';
import { startNode } from '../../src/cluster/start-node.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { seeds } from '../../src/discovery/static.js';
import { createNodeId } from '../../src/node-id.js';
import { encodeFrame } from '../../src/transport/session/codec.js';
import type { Frame, HelloFrame } from '../../src/transport/session/frame.js';
import { FrameSplitter } from '../../src/transport/session/frame-splitter.js';
import { until } from '../support/until.js';

const CLUSTER = 'limits';

/** A node over TCP on 127.0.0.1, and all that it has logged above debug. */
export interface TcpNode {
  readonly node: ClusterNode;
  readonly warnings: readonly string[];
  readonly port: number;
}

/** Nodes that see each other, and strangers. To be closed after each test. */
export class TcpCluster {
  readonly #nodes: ClusterNode[] = [];
  readonly #strangers: Stranger[] = [];
  #born = 0;

  /** Starts a node; further ones join the first. */
  async start(limits: Partial<ClusterLimits> = {}, options: ClusterOptions = {}): Promise<TcpNode> {
    const warnings: string[] = [];
    const write = (line: string): void => void warnings.push(line);
    const [first] = this.#nodes;
    const node = await startNode({
      clusterName: CLUSTER,
      nodeName: `n${this.#nodes.length}`,
      port: 0,
      discovery: first === undefined ? seeds('127.0.0.1:1') : seeds(`127.0.0.1:${first.local.address.port}`),
      limits,
      logger: { debug: () => undefined, log: () => undefined, warn: write, error: write },
      ...options,
    });
    this.#nodes.push(node);
    await until('the nodes see each other', () =>
      this.#nodes.every(({ activeMembers }) => activeMembers.length === this.#nodes.length),
    );
    return { node, warnings, port: node.local.address.port };
  }

  /** Connects, and says nothing until told to. */
  async stranger(to: TcpNode, from = '127.0.0.1'): Promise<Stranger> {
    const stranger = new Stranger(connect({ host: '127.0.0.1', port: to.port, localAddress: from }));
    this.#strangers.push(stranger);
    await until('the stranger is connected', () => !stranger.isConnecting);
    return stranger;
  }

  /** Shakes hands as a peer that nobody knows. */
  async impostor(to: TcpNode, purpose: HelloFrame['purpose']): Promise<Stranger> {
    const stranger = await this.stranger(to);
    stranger.send({
      type: 'hello',
      purpose,
      minVersion: 1,
      maxVersion: 1,
      clusterName: CLUSTER,
      id: createNodeId(++this.#born, new Uint8Array(10).fill(this.#born)),
      address: { host: '127.0.0.1', port: 9 },
      wanted: undefined,
      serializer: purpose === 'payload' ? 'msgpack' : '',
      record: new Uint8Array(0),
      offer: purpose === 'payload' ? { epoch: 1, firstUnacked: 0 } : undefined,
      name: 'stranger',
    });
    await until('the stranger is welcomed', () => stranger.frames.includes('welcome'));
    const answer = purpose === 'payload' ? { known: false, expected: 0 } : undefined;
    const before = linksOf(to);
    stranger.send({ type: 'ready', answer });
    await until('the link is counted', () => linksOf(to) > before);
    return stranger;
  }

  async close(): Promise<void> {
    for (const stranger of this.#strangers.splice(0)) stranger.destroy();
    await Promise.all(this.#nodes.splice(0).map((node) => node.close()));
  }
}

/** A client that does as it likes. */
export class Stranger {
  /** Types of the frames that came. */
  readonly frames: string[] = [];
  readonly #openedAtMs = performance.now();
  /** How long the connection lasted. */
  lastedMs: number | undefined;

  constructor(readonly socket: Socket) {
    const splitter = new FrameSplitter((frame) => void this.frames.push(frame.type));
    splitter.limitBytes = 1024 * 1024;
    socket.on('data', (piece) => splitter.push(piece));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.lastedMs = performance.now() - this.#openedAtMs));
  }

  get isConnecting(): boolean {
    return this.socket.connecting;
  }

  get isClosed(): boolean {
    return this.lastedMs !== undefined;
  }

  send(frame: Frame): void {
    this.socket.write(encodeFrame(frame));
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** How often a node has closed a connection for this reason. */
export function closedFor({ node }: TcpNode, word: string): number {
  return node.stats.transport?.closedFor[word] ?? 0;
}

function linksOf({ node }: TcpNode): number {
  const { protocolLinks, payloadLinks } = node.stats.transport!;
  return protocolLinks + payloadLinks;
}
