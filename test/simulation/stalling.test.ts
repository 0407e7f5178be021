import { describe, it, expect } from '@jest/globals';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';
import { maxSuspicionMs, minSuspicionMs } from './bounds.js';

describe('a process that is stopped (SIGSTOP)', () => {
  it.each([1, 2, 3])('for less than the suspicion comes back as itself, by refutation (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 5, seed }).settle().runFor(seconds(5));
    cluster
      .pause('c')
      .runFor(minSuspicionMs(5) - 500)
      .resume('c')
      .settle({ withinMs: seconds(20) });
    for (const name of ['a', 'b', 'd', 'e']) {
      expect(cluster.eventsAt(name).about('c')).not.toContain('unreachable');
      expect(cluster.eventsAt('c').about(name)).toEqual(['joined']);
    }
    expect(cluster.runFor(minutes(1)).agrees).toBe(true);
  });

  it.each([1, 2, 3])('for longer is unreachable, and comes back as itself (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 5, seed }).settle().runFor(seconds(5));
    const { id } = cluster.node('c');
    cluster.pause('c').untilEveryoneHolds('c', 'unreachable', { withinMs: maxSuspicionMs(5) + seconds(10) });
    cluster
      .runFor(seconds(30))
      .resume('c')
      .settle({ withinMs: seconds(30) });
    expect(cluster.node('c').id).toBe(id);
    for (const name of ['a', 'b', 'd', 'e']) {
      expect(cluster.eventsAt(name).about('c')).toEqual(['joined', 'suspected', 'unreachable', 'joined']);
      // It slept and nobody else did: it has no reason to doubt them.
      expect(cluster.eventsAt('c').about(name)).toEqual(['joined']);
    }
  });

  it('for so long that tombstones could be gone discards its view, and joins again as itself', () => {
    const cluster = simulate({ nodes: 5, seed: 3 }).settle().runFor(seconds(5));
    const { id } = cluster.node('c');
    cluster
      .pause('c')
      .runFor(minutes(40))
      .resume('c')
      .settle({ withinMs: seconds(30) });
    expect(cluster.node('c').id).toBe(id);
    expect(cluster.eventsAt('a').about('c')).toEqual(['joined', 'suspected', 'unreachable', 'joined']);
    expect(cluster.eventsAt('c').about('a')).toEqual(['joined', 'unreachable', 'joined']);
  });

  it('while another crashes learns of it and judges nobody else', () => {
    const cluster = simulate({ nodes: 6, seed: 4 }).settle().runFor(seconds(5));
    cluster
      .pause('c')
      .runFor(seconds(2))
      .crash('d')
      .runFor(seconds(1))
      .resume('c')
      .settle({ withinMs: seconds(30) });
    expect(cluster.stateAt('c', 'd')).toBe('unreachable');
    for (const name of ['a', 'b', 'e', 'f']) expect(cluster.eventsAt('c').about(name)).toEqual(['joined']);
  });
});

describe('a stalled event loop', () => {
  it.each([1, 2, 3, 4, 5])('of 2 s at 3 of 16 judges nobody (seed %i)', (seed) => {
    const cluster = simulate({ nodes: 16, seed }).settle().runFor(seconds(10));
    const stalled = ['c', 'd', 'e'];
    cluster.stall(stalled, seconds(2)).runFor(minutes(1));
    for (const name of cluster.names) {
      for (const other of cluster.names) {
        if (other === name) continue;
        const seen = cluster.eventsAt(name).about(other);
        expect(seen).not.toContain('unreachable');
        // The stalled ones may be doubted for a moment, by those who are well; nobody else ever.
        if (!stalled.includes(other)) expect(seen).toEqual(['joined']);
      }
    }
    expect(cluster.agrees).toBe(true);
  });

  it('shorter than the probe timeout leads to no suspicion, however often', () => {
    const cluster = simulate({ nodes: 8, seed: 6 }).settle();
    for (let round = 0; round < 50; round++) cluster.stall(['b', 'c'], 300).runFor(seconds(1));
    for (const name of cluster.names) {
      for (const other of cluster.names) {
        if (other !== name) expect(cluster.eventsAt(name).about(other)).toEqual(['joined']);
      }
    }
  });

  it('of 10 s at all at once ends where it began', () => {
    const cluster = simulate({ nodes: 5, seed: 7 }).settle().runFor(seconds(5));
    cluster.stall(cluster.names, seconds(10)).runFor(minutes(1));
    expect(cluster.agrees).toBe(true);
    for (const name of ['b', 'c', 'd', 'e'])
      expect(cluster.eventsAt('a').about(name)).not.toContain('unreachable');
  });
});
