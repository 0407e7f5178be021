import { describe, it, expect } from '@jest/globals';
import { Cluster } from './cluster.js';

const SEEDS = 12;
const FAULTS = 20;
/** Decisions 2. */
const grammar =
  /^(joined (updated |suspected (updated )*recovered )*(suspected (updated )*)?((unreachable |left )|$))*$/;

/** Cuts, heals, stops, kills, restarts and changes at random; everything is healed at the end. */
function disturb(cluster: Cluster): void {
  const { random } = cluster;
  const alive = (): string[] =>
    [...cluster.nodes.values()].filter((node) => !node.dead).map(({ name }) => name);
  const any = (): string => alive()[Math.floor(random() * alive().length)]!;
  for (let fault = 0; fault < FAULTS; fault++) {
    const kind = random();
    if (kind < 0.3) cluster.cut(any(), any());
    else if (kind < 0.45) cluster.heal();
    else if (kind < 0.6) {
      const name = any();
      cluster.freeze(name).run(random() * 12_000);
      cluster.thaw(name);
    } else if (kind < 0.7 && alive().length > 2) restart(cluster, any(), fault);
    else if (kind < 0.8) cluster.get(any()).swim.setMetadata({ fault });
    else {
      const half = alive().filter((_, i) => i % 2 === 0);
      for (const a of half) for (const b of alive()) if (!half.includes(b)) cluster.cut(a, b);
    }
    cluster.run(random() * 15_000);
  }
  cluster.heal();
}

function restart(cluster: Cluster, name: string, number: number): void {
  const { address } = cluster.get(name);
  cluster.kill(name).run(cluster.random() * 3000);
  const seeds = [...cluster.nodes.values()].filter((node) => !node.dead).map((node) => node.address);
  cluster.add(`${name}${number}`, { address }).swim.join(seeds);
}

describe('after faults at random', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`all live views agree again, and events have kept their order (seed ${seed})`, () => {
      const cluster = Cluster.formed(3 + (seed % 8), {}, seed);
      disturb(cluster);
      const live = [...cluster.nodes.values()].filter((node) => !node.dead);
      const names = live
        .map(({ name }) => name)
        .sort()
        .join();
      cluster.runUntil(() => live.every((node) => node.active.join() === names), 180_000);
      cluster.run(60_000);
      const views = live.map((node) =>
        node.swim.view.members.map(({ id, state, incarnation, metadata }) => ({
          id,
          state,
          incarnation,
          metadata,
        })),
      );
      for (const view of views) expect(view).toEqual(views[0]);
      for (const node of live) {
        expect(node.swim.view.members.every(({ state }) => state === 'alive')).toBe(true);
        expect(node.swim.localHealth).toBe(0);
        for (const { name } of [...cluster.nodes.values()].filter((other) => other !== node))
          expect(
            node
              .eventsAbout(name)
              .map((type) => `${type} `)
              .join(''),
          ).toMatch(grammar);
        node.swim.stop();
        expect([node.pendingTimers, node.swim.gauges['pings']]).toEqual([0, 0]);
      }
    });
  }
});

describe('without faults', () => {
  it('nobody is ever suspected, and nothing grows', () => {
    const cluster = Cluster.formed(8);
    const timers = [...cluster.nodes.values()].map((node) => node.swim.gauges['timers']!);
    cluster.run(300_000);
    for (const node of cluster.nodes.values()) {
      expect(node.events.every(({ type }) => type === 'joined')).toBe(true);
      expect(node.count('suspicions')).toBe(0);
      expect(node.swim.gauges).toMatchObject({ queuedUpdates: 0, suspicions: 0, relays: 0, tombstones: 0 });
      expect(node.swim.gauges['timers']).toBeLessThanOrEqual(Math.max(...timers) + 2);
    }
  });
});
