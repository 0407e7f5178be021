import { ClusterNode } from '../../../src/cluster/node.js';
import type { ClusterOptions } from '../../../src/cluster/options.js';
import { seeds } from '../../../src/discovery/static.js';
import type { MembershipEvent } from '../../../src/membership/membership.js';
import { until } from '../../support/until.js';

/** A node over real sockets, with all that it said and saw. */
export class SecuredNode {
  readonly lines: string[] = [];
  readonly events: MembershipEvent[] = [];
  readonly errors: string[] = [];
  readonly node: ClusterNode;

  constructor(options: ClusterOptions) {
    const line = (text: string) => void this.lines.push(text);
    const logger = {
      debug: line,
      log: line,
      warn: line,
      error: (text: string, cause?: unknown) =>
        line(cause instanceof Error ? `${text} ${cause.message}` : text),
    };
    this.node = new ClusterNode({
      clusterName: 'secured',
      port: 0,
      discovery: seeds(),
      swim: { probeIntervalMs: 300, probeTimeoutMs: 150, gossipIntervalMs: 50 },
      logger,
      ...options,
    });
    this.node.onEvent((event) => void this.events.push(event));
    void this.#collectErrors();
  }

  get name(): string {
    return this.node.local.name;
  }

  /** Names of the active members, sorted. */
  get sees(): string[] {
    return this.node.activeMembers.map((member) => member.name).sort();
  }

  get address(): string {
    const { host, port } = this.node.local.address;
    return `${host}:${port}`;
  }

  async #collectErrors(): Promise<void> {
    for await (const error of this.node.errors) this.errors.push(error.message);
  }
}

/** Nodes that end with their test. */
export class SecuredCluster {
  readonly nodes: SecuredNode[] = [];

  /** Starts a node that knows the first one. */
  async start(options: ClusterOptions): Promise<SecuredNode> {
    const first = this.nodes.find(({ node }) => node.status === 'joining' || node.status === 'ready');
    const discovery = first === undefined ? seeds() : seeds(first.address);
    const started = new SecuredNode({ discovery, ...options });
    this.nodes.push(started);
    await started.node.start();
    return started;
  }

  /** Waits until these nodes see each other, and nobody else. */
  async settled(nodes: readonly SecuredNode[] = this.nodes): Promise<void> {
    const names = nodes.map(({ name }) => name).sort();
    await until(
      `all see ${names.join(', ')}`,
      () => nodes.every(({ sees }) => sees.join() === names.join()),
      {
        report: () =>
          nodes
            .map(({ name, sees, lines }) => `${name} sees ${sees.join()}\n  ${lines.slice(-12).join('\n  ')}`)
            .join('\n'),
      },
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ node }) => node.close()));
  }
}
