import { ClusterNode } from '../../src/cluster/node.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { seeds } from '../../src/discovery/static.js';
import type { ClusterLogger } from '../../src/logger.js';
import { Random } from '../../src/simulation/random.js';
import { VirtualClock } from '../../src/simulation/clock/virtual-clock.js';
import { createMemoryTransport } from '../../src/transport/memory/memory-transport.js';
import { MemoryNetwork } from '../../src/transport/memory/memory-network.js';

const FIRST_PORT = 7001;

/** Whole nodes, as an application has them, on memory links in virtual time. */
export class VirtualCluster {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly nodes = new Map<string, ClusterNode>();
  readonly logs = new Map<string, string[]>();
  readonly #random;

  constructor(seed = 1) {
    const seeded = new Random(seed);
    this.#random = (): number => seeded.next();
    this.network = new MemoryNetwork({ clock: this.clock, random: this.#random });
  }

  /** Makes a node that looks for others at the first three ports; it is not started. */
  node(name: string, options: ClusterOptions = {}): ClusterNode {
    const lines: string[] = [];
    const node = new ClusterNode({
      clusterName: 'test',
      nodeName: name,
      port: FIRST_PORT + this.nodes.size,
      discovery: seeds(...[0, 1, 2].map((i) => `127.0.0.1:${FIRST_PORT + i}`)),
      clock: this.clock,
      random: this.#random,
      logger: recorder(lines),
      transport: (context) => createMemoryTransport(this.network, { ...context, name }),
      ...options,
    });
    this.nodes.set(name, node);
    this.logs.set(name, lines);
    return node;
  }

  /** Starts nodes at once and waits until they all see each other. */
  async start(...names: string[]): Promise<ClusterNode[]> {
    const nodes = names.map((name) => this.node(name));
    await this.run(Promise.all(nodes.map((node) => node.start())));
    await this.until(() => nodes.every((node) => node.activeMembers.length === nodes.length));
    return nodes;
  }

  /** Lets time pass until a promise settles, and gives its value. */
  async run<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    let settled = false;
    const mark = (): void => void (settled = true);
    promise.then(mark, mark);
    await this.until(() => settled, maxMs);
    return promise;
  }

  /** Lets time pass until a condition holds; fails after `maxMs` with every node's log. */
  async until(condition: () => boolean, maxMs = 60_000): Promise<void> {
    if (await this.clock.advanceUntil(condition, maxMs)) return;
    const logs = [...this.logs].map(([name, lines]) => `${name}:\n  ${lines.join('\n  ')}`);
    throw new Error(`The condition did not come to hold within ${maxMs} ms\n${logs.join('\n')}`);
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  async close(): Promise<void> {
    await this.run(Promise.all([...this.nodes.values()].map((node) => node.close())));
  }
}

function recorder(lines: string[]): ClusterLogger {
  return {
    debug: (line) => void lines.push(`debug ${line}`),
    log: (line) => void lines.push(`log ${line}`),
    warn: (line) => void lines.push(`warn ${line}`),
    error: (line, cause) => void lines.push(`error ${line} ${cause instanceof Error ? cause.message : ''}`),
  };
}
