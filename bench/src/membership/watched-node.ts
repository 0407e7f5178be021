import {
  ClusterNode,
  formatAddress,
  seeds,
  type MembershipEvent,
  type SwimOverrides,
} from 'clusterpack/core';
import { machineMs } from './machine-clock.js';

/** A node that somebody else can join or find. */
export interface NodePlace {
  readonly id: string;
  /** `host:port` */
  readonly address: string;
}

/** That a node holds another unreachable, since when by the machine's clock. */
export interface Verdict {
  readonly about: string;
  readonly atMs: number;
}

/** A node that binds before it is told its seeds, and notes when its view changed. */
export class WatchedNode {
  readonly #node: ClusterNode;
  readonly #alive: Set<string>;
  readonly #verdicts: Verdict[] = [];
  #changedMs = machineMs();
  #seeds: readonly string[] = [];

  constructor(swim: SwimOverrides | undefined) {
    this.#node = new ClusterNode({
      clusterName: 'bench',
      port: 0,
      swim,
      discovery: {
        name: 'static',
        loopbackOnly: true,
        discoverNodes: (options) => seeds(...this.#seeds).discoverNodes(options),
      },
    });
    this.#alive = new Set([this.#node.local.id]);
    this.#node.onEvent((event) => this.#onEvent(event));
  }

  async bind(): Promise<NodePlace> {
    const address = await this.#node.bind();
    return { id: this.#node.local.id, address: formatAddress(address) };
  }

  async join(addresses: readonly string[]): Promise<void> {
    this.#seeds = addresses;
    await this.#node.join();
  }

  /** Since when it has held exactly so many members alive, itself included; undefined when it does not. */
  completeSinceMs(members: number): number | undefined {
    return this.#alive.size === members ? this.#changedMs : undefined;
  }

  /** All so far, in their order. */
  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  get links(): number {
    return this.#node.stats.transport?.protocolLinks ?? 0;
  }

  #onEvent({ type, member: { id } }: MembershipEvent): void {
    const nowMs = machineMs();
    if (type === 'unreachable') this.#verdicts.push({ about: id, atMs: nowMs });
    const { size } = this.#alive;
    if (type === 'joined' || type === 'recovered') this.#alive.add(id);
    else if (type !== 'updated') this.#alive.delete(id);
    if (this.#alive.size !== size) this.#changedMs = nowMs;
  }
}
