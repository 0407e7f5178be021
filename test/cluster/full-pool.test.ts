import { describe, expect, it } from '@jest/globals';
import { NodeCluster } from '../../src/simulation/nodes/node-cluster.js';
import { Random } from '../../src/simulation/random.js';
import type { Links } from '../../src/transport/link.js';

const NODES = 12;
const LINKS = 4;

/** More members than each node keeps links to, all of whom know each other. */
class Crowd {
  readonly cluster: NodeCluster;
  #dials = 0;

  private constructor(seed: number) {
    this.cluster = new NodeCluster({
      seed,
      latency: { minMs: 10, maxMs: 50 },
      transportLimits: { protocolLinks: LINKS },
      wrapLinks: (links) => this.#counting(links),
    });
  }

  static async start(seed: number): Promise<Crowd> {
    const crowd = new Crowd(seed);
    await crowd.cluster.start(...Array.from({ length: NODES }, (_, i) => `n${i}`));
    await crowd.cluster.advance(30_000);
    return crowd;
  }

  /** What happens meanwhile, of each node and second. */
  async over(seconds: number): Promise<{ dials: number; probes: number; checks: number; failed: number }> {
    const before = this.#figures();
    await this.cluster.advance(seconds * 1000);
    const after = this.#figures();
    const share = (then: number, now: number): number => (now - then) / (NODES * seconds);
    return {
      dials: share(before.dials, after.dials),
      probes: share(before.probes, after.probes),
      checks: share(before.checks, after.checks),
      failed: share(before.failed, after.failed),
    };
  }

  #figures(): { dials: number; probes: number; checks: number; failed: number } {
    const sum = (counter: string): number =>
      [...this.cluster.nodes.values()].reduce((all, { stats }) => all + (stats.protocol[counter] ?? 0), 0);
    return {
      dials: this.#dials,
      probes: sum('probes'),
      checks: sum('checks'),
      failed: sum('probesFailed'),
    };
  }

  #counting(links: Links): Links {
    const dial = links.dial.bind(links);
    links.dial = (...args) => {
      this.#dials++;
      return dial(...args);
    };
    return links;
  }
}

describe('nodes with fewer links than members', () => {
  it.each([1, 2, 3])('dial for their probes, and for nothing else, at rest (seed %i)', async (seed) => {
    const { dials, probes, checks, failed } = await (await Crowd.start(seed)).over(120);
    expect(probes).toBeCloseTo(1, 1);
    expect(dials).toBeLessThanOrEqual(1.05);
    expect([checks, failed]).toEqual([0, 0]);
  });

  it.each([1, 2, 3])('look after nobody out of turn while all of them are slow (seed %i)', async (seed) => {
    const crowd = await Crowd.start(seed);
    const random = new Random(seed);
    for (const name of crowd.cluster.nodes.keys()) {
      for (let atMs = 0; atMs < 60_000; atMs += 3000)
        crowd.cluster.clock.setTimer(atMs + 1500 * random.next(), () => crowd.cluster.stall(name, 1300));
    }
    const { dials, checks } = await crowd.over(60);
    expect(checks).toBe(0);
    expect(dials).toBeLessThan(2.5);
  });
});
