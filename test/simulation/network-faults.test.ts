import { describe, it, expect } from '@jest/globals';
import type { SwimMessage } from '../../src/membership/swim/messages.js';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';
import type { Simulation } from '../../src/simulation/simulation.js';
import { silentDeathMs } from './bounds.js';

/** Every event of these types, anywhere: `a: unreachable b`. */
function told(cluster: Simulation<SwimMessage>, ...types: string[]): string[] {
  return cluster.names.flatMap((name) =>
    cluster
      .eventsAt(name)
      .all.filter(({ event }) => types.includes(event.type))
      .map(({ about, event }) => `${name}: ${event.type} ${about}`),
  );
}

describe('news that a cut has held back', () => {
  it.each([1, 3, 4, 10])('does not come after the heal, nor is a new view discarded (seed %i)', (seed) => {
    const swim = { suspicionAlpha: 2, suspicionBeta: 3, tombstoneMs: 40_000 };
    const cluster = simulate({ nodes: 20, seed, start: 'together', preset: 'local', swim }).settle();
    const others = cluster.names.filter((name) => name !== 'h');
    cluster.partition(['h'], others).runFor(minutes(1)).healAll();
    const healedAtMs = cluster.nowMs;
    cluster.settle().runFor(minutes(1.5));
    for (const observer of cluster.names) {
      for (const name of others) {
        expect(cluster.eventsAt(observer).timeOf('unreachable', name, healedAtMs)).toBeUndefined();
      }
    }
  });
});

describe('a member that one other cannot reach', () => {
  it.each([1, 2, 3, 7])('recovers when its refutation arrives before the timeout (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 3, seed }).settle();
    cluster.cut('a', 'c').cut('b', 'c').untilSuspected('c', { by: 'a' }).healAll();
    expect(cluster.runFor(seconds(10)).eventsAt('a').about('c')).toEqual([
      'joined',
      'suspected',
      'recovered',
    ]);
    expect(cluster.agrees).toBe(true);
  });

  it.each([1, 2, 3])('is never unreachable, since relays reach it (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 5, seed }).settle().cut('a', 'c').runFor(minutes(5));
    expect(told(cluster, 'unreachable')).toEqual([]);
    cluster.healAll().settle({ withinMs: minutes(2) });
  });

  it('is never unreachable either when only one direction is cut', () => {
    const cluster = simulate({ nodes: 5, seed: 4 }).settle().cutOneWay('a', 'c').runFor(minutes(5));
    expect(told(cluster, 'unreachable')).toEqual([]);
  });
});

describe('a firewall that refuses new dials to a live member while kept links go on', () => {
  it.each([1, 2, 3])('never makes it unreachable (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 8, seed }).settle().runFor(minutes(1));
    cluster.answerDials('c', 'refuse').runFor(minutes(10));
    expect(told(cluster, 'unreachable')).toEqual([]);
  });

  it('never does under loss either, which makes probes fail', () => {
    const cluster = simulate({ nodes: 8, seed: 4 }).settle().runFor(minutes(1));
    cluster.answerDials('c', 'refuse').lose(0.1).runFor(minutes(10));
    expect(told(cluster, 'unreachable')).toEqual([]);
  });

  it('never does when it drops them', () => {
    const cluster = simulate({ nodes: 8, seed: 5 }).settle().runFor(minutes(1));
    cluster.answerDials('c', 'drop').runFor(minutes(10));
    expect(told(cluster, 'unreachable')).toEqual([]);
  });
});

describe('a partition', () => {
  it.each([1, 2, 3])('splits the cluster in two, and its heal brings it together (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 8, seed }).settle().runFor(seconds(5));
    const left = ['a', 'b', 'c', 'd', 'e'];
    const right = ['f', 'g', 'h'];
    cluster.partition(left, right).runFor(silentDeathMs(8) + seconds(10));
    expect(cluster.membersAt('a')).toEqual(left);
    expect(cluster.membersAt('h')).toEqual(right);
    expect(cluster.eventsAt('a').about('b')).toEqual(['joined']);
    cluster.healAll().settle({ withinMs: minutes(2) });
    // The other side's verdict about b arrives with the heal: a doubt at most, and b refutes it.
    expect(cluster.eventsAt('a').about('b')).not.toContain('unreachable');
    expect(cluster.eventsAt('a').about('h').at(-1)).toBe('joined');
  });

  it('of one node alone heals too', () => {
    const cluster = simulate({ nodes: 5, seed: 4 }).settle();
    cluster.partition(['c'], ['a', 'b', 'd', 'e']).runFor(minutes(3));
    expect(cluster.membersAt('c')).toEqual(['c']);
    cluster.healAll().settle({ withinMs: minutes(2) });
  });

  it('of 100 minutes, longer than anybody is remembered, heals by the address book', () => {
    const cluster = simulate({ nodes: 5, seed: 1 }).settle();
    cluster.partition(['c'], ['a', 'b', 'd', 'e']).runFor(minutes(100));
    cluster.healAll().settle({ withinMs: minutes(5) });
  });

  it('of a minute, again and again, ends in agreement', () => {
    const cluster = simulate({ nodes: 6, seed: 5 }).settle();
    for (let round = 0; round < 5; round++) {
      cluster.partition(['a', 'b', 'c'], ['d', 'e', 'f']).runFor(seconds(20)).healAll().runFor(seconds(20));
    }
    cluster.settle({ withinMs: minutes(3) });
  });
});

describe('loss', () => {
  it('of 5 % of all messages for ten minutes leads to no false verdict among 16', () => {
    const cluster = simulate({ nodes: 16, seed: 1 }).settle().lose(0.05).runFor(minutes(10));
    expect(told(cluster, 'unreachable', 'left')).toEqual([]);
    cluster.lose(0).settle({ withinMs: minutes(1) });
  });

  it('of 20 % does not keep nodes from joining', () => {
    const cluster = simulate({ nodes: 8, seed: 2, start: 'apart' }).lose(0.2);
    for (const name of cluster.names.slice(1)) cluster.join(name, 'a');
    cluster
      .runFor(minutes(1))
      .lose(0)
      .settle({ withinMs: minutes(1) });
  });
});

describe('a slow network', () => {
  it('of 20 to 80 ms per crossing, round the world, leads to no suspicion', () => {
    const cluster = simulate({ nodes: 8, seed: 1, latency: { minMs: 20, maxMs: 80 } })
      .settle()
      .runFor(minutes(5));
    expect(told(cluster, 'suspected', 'unreachable')).toEqual([]);
  });
});
