import { describe, it, expect } from '@jest/globals';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';

/** Five nodes with so many links each; then a second process, `c#2`, answers dials at the address of `c`. */
function share(seed: number, maxLinks: number) {
  const cluster = simulate({ nodes: 5, seed, maxLinks }).settle().shareAddress('c');
  const others = ['a', 'b', 'd', 'e'];
  const conflictsAt = (name: string) =>
    cluster.node(name).notices.filter(({ type }) => type === 'address-conflict').length;
  const lossesAt = (name: string) =>
    cluster.eventsAt(name).all.filter(({ event }) => event.type === 'unreachable');
  return { cluster, others, conflictsAt, lossesAt };
}

const POOLS = [256, 3, 2, 1];
const SEEDS = [1, 2, 3];
const CASES = POOLS.flatMap((links) => SEEDS.map((seed) => [links, seed] as const));

describe('two live processes at one address', () => {
  it.each(CASES)(
    'are noticed, and cost the first its place once at most, with %i links (seed %i)',
    (links, seed) => {
      const { cluster, others, conflictsAt, lossesAt } = share(seed, links);
      cluster.runFor(minutes(8));
      for (const name of others) {
        const lost = lossesAt(name).map(({ about }) => about);
        expect(lost).toEqual(lost.length === 0 ? [] : ['c']);
        expect(cluster.membersAt(name)).toContain('c#2');
        expect(conflictsAt(name)).toBeLessThanOrEqual(1);
      }
      // The seeds dialled the second one back; they hold a link to the first, or hear of it soon.
      expect(conflictsAt('a') + conflictsAt('b')).toBeGreaterThan(0);
      cluster.healAll().settle({ withinMs: minutes(2) });
    },
  );

  it.each(SEEDS)('cost nobody his place where links are kept (seed %i)', (seed) => {
    const { cluster, others, lossesAt } = share(seed, 256);
    cluster.runFor(minutes(2));
    for (const name of others) {
      expect(lossesAt(name)).toEqual([]);
      expect(cluster.membersAt(name)).toEqual(['a', 'b', 'c', 'c#2', 'd', 'e']);
    }
  });

  it.each([256, 2])('are still found dead when they are, with %i links each', (links) => {
    const { cluster, others } = share(7, links);
    cluster.runFor(seconds(30)).crash('c').runFor(minutes(1));
    for (const name of others) {
      expect(cluster.eventsAt(name).about('c#1').at(-1)).toBe('unreachable');
      expect(cluster.membersAt(name)).toEqual(['a', 'b', 'c#2', 'd', 'e']);
    }
  });
});

describe('a process that was restarted', () => {
  it.each(SEEDS)('is in no conflict with its successor (seed %i)', (seed) => {
    for (const maxLinks of POOLS) {
      const cluster = simulate({ nodes: 6, seed, maxLinks }).settle().runFor(seconds(3));
      cluster.stall('c', 3000).runFor(3002).restart('c').runFor(minutes(1));
      for (const name of cluster.names) {
        const types = cluster.node(name).notices.map(({ type }) => type);
        expect(types).not.toContain('address-conflict');
        if (name !== 'c') expect(cluster.eventsAt(name).about('c#1').at(-1)).toBe('unreachable');
      }
    }
  });
});
