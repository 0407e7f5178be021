import { describe, it, expect } from '@jest/globals';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';
import { disseminationMs, maxSuspicionMs, minSuspicionMs, silentDeathMs } from './bounds.js';

const SEEDS = [1, 2, 3, 4, 5];

describe('a crash whose port refuses', () => {
  it.each([3, 16, 64])('is known to all of %i within a second', (nodes) => {
    for (const seed of nodes > 16 ? SEEDS.slice(0, 2) : SEEDS) {
      const cluster = simulate({ nodes, seed }).settle().runFor(seconds(5));
      const crashedAtMs = cluster.nowMs;
      cluster.crash('c').untilEveryoneHolds('c', 'unreachable', { withinMs: seconds(1) });
      expect(cluster.nowMs - crashedAtMs).toBeGreaterThanOrEqual(500);
      expect(cluster.settle().agrees).toBe(true);
    }
  });

  it('is told in this order', () => {
    const cluster = simulate({ nodes: 5, seed: 9 }).settle().crash('c').settle();
    for (const name of ['a', 'b', 'd', 'e']) {
      expect(cluster.eventsAt(name).about('c')).toEqual(['joined', 'suspected', 'unreachable']);
    }
  });

  it('of several at once leaves the others agreeing, without a false word about them', () => {
    const cluster = simulate({ nodes: 16, seed: 10 }).settle().runFor(seconds(5));
    cluster.crash('c').crash('d').crash('e').crash('f');
    cluster.settle({ withinMs: silentDeathMs(16) });
    for (const name of ['a', 'b', 'g', 'p']) {
      expect(cluster.eventsAt('a').about(name === 'a' ? 'b' : name)).toEqual(['joined']);
    }
  });

  it.each([
    [2, 4],
    [3, 5],
    [5, 8],
    [7, 10],
    [20, 32],
  ])('of %i of %i at once is known to the rest within two seconds', (dead, nodes) => {
    for (const seed of SEEDS.slice(0, 3)) {
      const cluster = simulate({ nodes, seed }).settle().runFor(seconds(5));
      const victims = cluster.names.slice(nodes - dead);
      const isKnown = (): boolean => victims.every((name) => cluster.everyoneHolds(name, 'unreachable'));
      for (const name of victims) cluster.crash(name);
      cluster.until('all know', isKnown, { withinMs: seconds(2) });
    }
  });

  it.each([3, 4, 8])('of all but one of %i is known to the last after the shortest suspicion', (nodes) => {
    const cluster = simulate({ nodes, seed: nodes }).settle().runFor(seconds(5));
    const victims = cluster.names.slice(1);
    const crashedAtMs = cluster.nowMs;
    for (const name of victims) cluster.crash(name);
    const isKnown = (): boolean => victims.every((name) => cluster.everyoneHolds(name, 'unreachable'));
    cluster.until('it knows', isKnown, { withinMs: minSuspicionMs(nodes) + seconds(2) });
    expect(cluster.nowMs - crashedAtMs).toBeGreaterThanOrEqual(minSuspicionMs(nodes));
  });

  it('in a cluster of two is silence like any other: one refusal proves nothing', () => {
    const cluster = simulate({ nodes: 2, seed: 11 }).settle().runFor(seconds(5));
    const crashedAtMs = cluster.nowMs;
    cluster.crash('b').untilUnreachable('b', { by: 'a', withinMs: silentDeathMs(2) });
    expect(cluster.nowMs - crashedAtMs).toBeGreaterThanOrEqual(minSuspicionMs(2));
  });
});

describe('a crash that answers nothing', () => {
  it.each([2, 3, 16, 64])('is known to all of %i within the bound of the suspicion', (nodes) => {
    for (const seed of SEEDS.slice(0, nodes > 16 ? 1 : 3)) {
      const cluster = simulate({ nodes, seed }).settle().runFor(seconds(5));
      const diedAtMs = cluster.nowMs;
      cluster.powerOff('b').untilEveryoneHolds('b', 'unreachable', { withinMs: silentDeathMs(nodes) });
      expect(cluster.nowMs - diedAtMs).toBeGreaterThanOrEqual(minSuspicionMs(nodes - 1));
      cluster.settle();
    }
  });
});

describe('a node that is cut off from all others, without a refusal', () => {
  it('waits for the longest suspicion: it may be the one that is at fault', () => {
    const cluster = simulate({ nodes: 8, seed: 12 }).settle().runFor(seconds(5));
    for (const name of cluster.names.slice(1)) cluster.cut('a', name);
    cluster.runFor(maxSuspicionMs(8));
    expect(cluster.eventsAt('a').all.some(({ event }) => event.type === 'suspected')).toBe(true);
    expect(cluster.membersAt('a')).toHaveLength(8);
  });
});

describe('a restart at the same address', () => {
  it.each(SEEDS)('retires the old process and admits the new one (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 5, seed }).settle().runFor(seconds(5));
    cluster
      .crash('c')
      .runFor(100)
      .restart('c')
      .settle({ withinMs: seconds(10) });
    for (const name of ['a', 'b', 'd', 'e']) {
      expect(cluster.stateAt(name, 'c#1')).not.toBe('alive');
      expect(cluster.eventsAt(name).about('c#2')).toEqual(['joined']);
      expect(cluster.eventsAt(name).about('c#1').at(-1)).toBe('unreachable');
    }
  });

  it('long after the crash admits the new process too', () => {
    const cluster = simulate({ nodes: 5, seed: 6 }).settle().crash('c').settle().runFor(minutes(5));
    cluster.restart('c').settle({ withinMs: seconds(10) });
  });

  it('of all but one at once ends in one cluster', () => {
    const cluster = simulate({ nodes: 5, seed: 7 }).settle().runFor(seconds(5));
    for (const name of ['b', 'c', 'd', 'e']) cluster.crash(name);
    cluster.runFor(seconds(1));
    for (const name of ['b', 'c', 'd', 'e']) cluster.restart(name);
    cluster.settle({ withinMs: seconds(60) });
  });
});

describe('a graceful leave', () => {
  it.each([2, 3, 16, 64])('of one of %i is left everywhere, never suspected or unreachable', (nodes) => {
    for (const seed of nodes > 16 ? SEEDS.slice(0, 1) : SEEDS) {
      const cluster = simulate({ nodes, seed }).settle().runFor(seconds(2));
      cluster.leave('b').untilEveryoneHolds('b', 'left', { withinMs: seconds(2) + disseminationMs(nodes) });
      cluster.runFor(seconds(30));
      expect(cluster.node('b').isRunning).toBe(false);
      for (const name of cluster.names) {
        if (name !== 'b') expect(cluster.eventsAt(name).about('b')).toEqual(['joined', 'left']);
      }
      expect(cluster.agrees).toBe(true);
    }
  });

  it('is done within two seconds', () => {
    const cluster = simulate({ nodes: 8, seed: 3 }).settle();
    cluster.leave('d').until('d has ended', () => !cluster.node('d').isRunning, { withinMs: seconds(2) });
  });

  it('of several at once is left everywhere', () => {
    const cluster = simulate({ nodes: 8, seed: 4 }).settle();
    for (const name of ['b', 'c', 'd']) cluster.leave(name);
    cluster.runFor(seconds(10));
    for (const name of ['b', 'c', 'd']) {
      expect(cluster.everyoneHolds(name, 'left')).toBe(true);
      expect(cluster.eventsAt('a').about(name)).toEqual(['joined', 'left']);
    }
  });

  it('may be followed by a new process at the same address', () => {
    const cluster = simulate({ nodes: 4, seed: 5 }).settle().leave('c').runFor(seconds(3));
    cluster.restart('c').settle({ withinMs: seconds(10) });
    expect(cluster.eventsAt('a').about('c#1')).toEqual(['joined', 'left']);
    expect(cluster.eventsAt('a').about('c#2')).toEqual(['joined']);
  });
});
