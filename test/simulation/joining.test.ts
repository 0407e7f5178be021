import { describe, it, expect } from '@jest/globals';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';

describe('nodes that join', () => {
  it.each([3, 8, 32])('one after the other, %i of them, agree', (nodes) => {
    const cluster = simulate({ nodes, seed: nodes }).settle({ withinMs: seconds(10) });
    expect(cluster.membersAt('a')).toEqual([...cluster.names].sort());
    for (const name of cluster.names) {
      for (const other of cluster.names) {
        if (other !== name) expect(cluster.eventsAt(name).about(other)).toEqual(['joined']);
      }
    }
  });

  it.each([1, 2, 3])('all at once, 32 of them, agree (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 32, seed, start: 'together' }).settle({ withinMs: seconds(30) });
    expect(cluster.membersAt('b')).toHaveLength(32);
  });

  it('agree through bytes as well as by reference', () => {
    simulate({ nodes: 5, seed: 4, wire: true, start: 'together' })
      .settle({ withinMs: seconds(10) })
      .runFor(minutes(1));
  });

  it('stay in peace for ten minutes when nothing happens', () => {
    const cluster = simulate({ nodes: 8, seed: 5 }).settle().runFor(minutes(10));
    expect(cluster.agrees).toBe(true);
    for (const name of cluster.names) {
      expect(
        cluster
          .eventsAt(name)
          .all.map(({ event }) => event.type)
          .filter((type) => type !== 'joined'),
      ).toEqual([]);
    }
  });

  it('find a seed that starts later', () => {
    const cluster = simulate({ nodes: 2, seed: 6, start: 'apart' }).crash('b');
    cluster.join('a', 'b').runFor(seconds(5));
    expect(cluster.membersAt('a')).toEqual(['a']);
    cluster.restart('b').settle({ withinMs: seconds(30) });
  });

  it('bring two clusters together', () => {
    const cluster = simulate({ nodes: 6, seed: 7, start: 'apart' });
    cluster.join('b', 'a').join('c', 'a').join('e', 'd').join('f', 'd').runFor(seconds(5));
    expect(cluster.membersAt('a')).toEqual(['a', 'b', 'c']);
    expect(cluster.membersAt('f')).toEqual(['d', 'e', 'f']);
    cluster.join('f', 'b').settle({ withinMs: seconds(20) });
  });

  it('spread changes of metadata', () => {
    const cluster = simulate({ nodes: 8, seed: 8 }).settle();
    cluster.setMetadata('c', { zone: 'eu' }).runFor(seconds(5));
    for (const name of cluster.names) {
      expect(cluster.node(name).protocol.member(cluster.node('c').id)?.metadata).toEqual({ zone: 'eu' });
      if (name !== 'c') expect(cluster.eventsAt(name).about('c')).toEqual(['joined', 'updated']);
    }
  });
});

describe('a simulation', () => {
  it('runs the same from the same seed, message for message, and otherwise from another', () => {
    const run = (seed: number) => {
      const cluster = simulate({ nodes: 6, seed, start: 'together', traceMessages: true, swim: {} });
      cluster
        .runFor(seconds(3))
        .crash('c')
        .lose(0.1)
        .pause('d')
        .runFor(seconds(5))
        .resume('d')
        .runFor(seconds(5));
      return cluster.log();
    };
    const once = run(11);
    expect(once.length).toBeGreaterThan(10_000);
    expect(run(11)).toBe(once);
    expect(run(12)).not.toBe(once);
  });
});
