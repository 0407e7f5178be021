import { describe, it, expect } from '@jest/globals';
import type { SwimMessage } from '../../../src/membership/swim/messages.js';
import type { SwimOverrides } from '../../../src/membership/swim/options.js';
import {
  PROTOCOL_PATHS,
  SESSION_PATHS,
  SOMETIMES,
  Sometimes,
  SometimesCounts,
  type SometimesPath,
} from '../../../src/simulation/invariants/sometimes.js';
import { minutes, seconds, simulate } from '../../../src/simulation/simulate.js';
import type { Simulation } from '../../../src/simulation/simulation.js';

type Cluster = Simulation<SwimMessage>;

/** Plays a scenario in a cluster of five that has settled, and says which paths it took. */
function pathsOf(play: (cluster: Cluster) => unknown, swim?: SwimOverrides, seed = 1): SometimesCounts {
  const sometimes = new Sometimes();
  const cluster = simulate({ nodes: 5, seed, swim, checks: [sometimes], record: false });
  cluster.settle().runFor(seconds(5));
  play(cluster);
  cluster.finish();
  return sometimes.counts;
}

/** Whether one of a few seeds takes a path. */
function takes(path: SometimesPath, play: (cluster: Cluster) => unknown, swim?: SwimOverrides): boolean {
  return [1, 2, 3, 4, 5, 6].some((seed) => pathsOf(play, swim, seed).of(path) > 0);
}

/** Blocks the event loop of c again and again. */
function stalls(cluster: Cluster, ms: number): Cluster {
  for (let count = 0; count < 12; count++) cluster.stall('c', ms).runFor(1700);
  return cluster.runFor(seconds(10));
}

/** Two sides that have given each other up, and meet again. */
const parted = (cluster: Cluster): Cluster =>
  cluster
    .partition(['a', 'e'], ['b', 'c', 'd'])
    .untilUnreachable('d', { by: 'a' })
    .healAll()
    .runFor(seconds(60));

const SCENARIOS: Readonly<
  Record<(typeof PROTOCOL_PATHS)[number], readonly [(cluster: Cluster) => unknown, SwimOverrides?]>
> = {
  'suspected and refuted': [(c) => c.stall('c', 4000).runFor(seconds(10))],
  'suspected and unreachable': [(c) => c.powerOff('c').runFor(seconds(40))],
  'relay said silent': [(c) => c.powerOff('c').runFor(seconds(20))],
  'buddy carried a suspicion': [(c) => c.stall('c', 4000).runFor(seconds(10))],
  'suspicion confirmed': [(c) => c.powerOff('c').runFor(seconds(20))],
  'hard quorum and hard verdict': [(c) => c.crash('c').runFor(seconds(5))],
  'hard evidence contradicted': [(c) => c.shareAddress('c').runFor(seconds(20))],
  'hard evidence waived': [(c) => stalls(c.answerDials('c', 'refuse'), 900)],
  'verdict contradicted': [(c) => stalls(c.shareAddress('c'), 900)],
  'sync repaired a difference': [parted],
  'healed after a partition': [parted],
  'tombstone reaped': [(c) => c.crash('c').runFor(minutes(3)), { tombstoneMs: 120_000 }],
  'stale claim answered': [
    (c) => {
      for (let count = 0; count < 5; count++)
        c.setMetadata('c', { count }).runFor(100).stall('c', 4000).runFor(seconds(8));
    },
  ],
  'replaced at its address': [(c) => c.powerOff('c').runFor(300).restart('c').runFor(seconds(30))],
  'address conflict': [(c) => c.shareAddress('c').runFor(seconds(20))],
  'stall voided a probe': [
    (c) => {
      c.powerOff('c');
      for (let count = 0; count < 12; count++) c.stall('a', 700).runFor(2300);
    },
  ],
  'sleeper rejoined': [(c) => c.stall('c', 90_000).runFor(minutes(3)), { tombstoneMs: 120_000 }],
};

describe('a path that is sometimes taken', () => {
  it.each(PROTOCOL_PATHS)('%s: can be taken on purpose', (path) => {
    const [play, swim] = SCENARIOS[path];
    expect(takes(path, play, swim)).toBe(true);
  });

  it('is not counted where nothing happens', () => {
    const never = pathsOf((c) => c.runFor(seconds(30)));
    expect(never.missing(PROTOCOL_PATHS)).toEqual(PROTOCOL_PATHS);
  });
});

describe('counts', () => {
  it('add up over runs, and say what is missing', () => {
    const one = new SometimesCounts();
    const other = new SometimesCounts();
    one.count('session resumed');
    other.count('session resumed', 2);
    other.count('dials crossed', 0);
    one.merge(other);
    expect(one.of('session resumed')).toBe(3);
    expect(one.entries()).toEqual([['session resumed', 3]]);
    expect(one.missing(SESSION_PATHS)).toEqual(SESSION_PATHS.slice(1));
    expect(one.missing()).toHaveLength(SOMETIMES.length - 1);
    expect(one.missing(['session resumed'] satisfies SometimesPath[])).toEqual([]);
  });
});
