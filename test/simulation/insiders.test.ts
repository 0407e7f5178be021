import { describe, expect, it } from '@jest/globals';
import { Member } from '../../src/membership/membership.js';
import type { SuspicionKind, Update } from '../../src/membership/swim/messages.js';
import { resolveSwimOptions, type SwimOverrides } from '../../src/membership/swim/options.js';
import { minSuspicionMs } from '../../src/membership/swim/formulas.js';
import type { Swim } from '../../src/membership/swim/swim.js';
import { createNodeId } from '../../src/node-id.js';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';
import type { Simulation } from '../../src/simulation/simulation.js';
import type { SwimMessage } from '../../src/membership/swim/messages.js';

const options = resolveSwimOptions();
/** Eight nodes: six honest ones, one whose host is gone, and one that is hostile and knows everybody. */
const HONEST = ['a', 'b', 'c', 'd', 'e', 'f'];
const GONE = 'g';
const EVIL = 'h';

type Cluster = Simulation<SwimMessage>;

function infiltrated(swim: SwimOverrides = {}): Cluster {
  const cluster = simulate({ nodes: 8, seed: 3, invariants: false, swim }).settle().runFor(seconds(30));
  return cluster.powerOff(GONE).untilEveryoneHolds(GONE, 'unreachable');
}

function protocolOf(cluster: Cluster, name: string): Swim {
  return cluster.node(name).protocol as Swim;
}

/** The hostile one tells each honest node something else, every `everyMs`. */
function flood(
  cluster: Cluster,
  forMs: number,
  everyMs: number,
  updatesFor: (victim: string) => Update[],
): void {
  for (let atMs = 0; atMs < forMs; atMs += everyMs) {
    for (const name of HONEST) {
      const { self, isRunning } = cluster.node(name);
      if (isRunning) cluster.node(EVIL).send(self, { type: 'gossip', updates: updatesFor(name) });
    }
    cluster.runFor(everyMs);
  }
}

/** Members that do not exist: nobody listens there, or the host is gone and does not even refuse. */
function inventor(cluster: Cluster, where: 'refusing' | 'silent'): (count: number) => Update[] {
  let made = 0;
  const next = (): Update => {
    made++;
    const host = `192.168.${(made >> 8) & 255}.${made & 255}`;
    const address =
      where === 'silent' ? cluster.node(GONE).self.address : { host, port: 1024 + (made >> 16) };
    const id = createNodeId(5_000_000 + made, new Uint8Array(10));
    const facts = { metadata: {}, health: 'ok', startedAtMs: 1, minVersion: 1, maxVersion: 1 } as const;
    const incarnation = made % 3;
    const member = Member.of({ ...facts, id, name: `fake ${made}`, address, state: 'alive', incarnation });
    return { type: 'alive', member };
  };
  return (count) => Array.from({ length: count }, next);
}

/** What honest nodes have seen happen to honest nodes. */
function eventsAmong(cluster: Cluster, names: readonly string[]): Set<string> {
  return new Set(
    names.flatMap((at) =>
      names.filter((about) => about !== at).flatMap((about) => cluster.eventsAt(at).about(about)),
    ),
  );
}

function expectBounded(cluster: Cluster, most: { hearsay: number; tombstones?: number }): void {
  for (const name of HONEST) {
    if (!cluster.node(name).isRunning) continue;
    const gauges = protocolOf(cluster, name).gauges;
    expect(gauges['hearsay']).toBeLessThanOrEqual(most.hearsay);
    expect(gauges['members']).toBeLessThan(options.maxMembers);
    expect(gauges['tombstones']).toBeLessThanOrEqual(most.tombstones ?? options.maxTombstones);
    expect(gauges['queuedUpdates']).toBeLessThanOrEqual(options.maxQueuedUpdates);
    expect(gauges['addressBook']).toBeLessThanOrEqual(options.maxAddressBook);
    expect(gauges['relays']).toBeLessThanOrEqual(options.maxRelays);
    expect(gauges['dialBacks']).toBeLessThanOrEqual(options.maxJoinsAtOnce);
  }
}

describe('an insider that invents members without end', () => {
  it.each(['refusing', 'silent'] as const)(
    'disturbs no honest one, fills nothing, and hides no crash (%s addresses)',
    (where) => {
      const cluster = infiltrated();
      const invent = inventor(cluster, where);
      // 600 a second, all different: what honest nodes believe of it, they tell each other.
      flood(cluster, seconds(20), 200, () => invent(20));
      expect(eventsAmong(cluster, HONEST)).toEqual(new Set(['joined']));
      // The bound, four for each one that was met, and as many again that syncs may bring.
      const most = 2 * (options.maxHearsay + 4 * HONEST.length);
      expectBounded(cluster, { hearsay: most });
      expect(protocolOf(cluster, 'a').gauges['hearsay']).toBeGreaterThan(3000);
      for (const name of HONEST) expect(protocolOf(cluster, name).localHealth).toBeLessThanOrEqual(1);

      // A killed process: hard evidence, as ever.
      cluster.crash('b');
      const crashedAtMs = cluster.nowMs;
      const seen = (victim: string): boolean =>
        HONEST.every((at) => gone(cluster, at) || cluster.stateAt(at, victim) === 'unreachable');
      for (let i = 0; i < 25 && !seen('b'); i++) flood(cluster, 200, 200, () => invent(20));
      expect(seen('b')).toBe(true);
      expect(cluster.nowMs - crashedAtMs).toBeLessThanOrEqual(seconds(5));

      // A host that is gone: every other turn is that of one that was met, and Min has log10 of all in it.
      cluster.powerOff('c');
      const silentSinceMs = cluster.nowMs;
      const boundMs = 2 * HONEST.length * options.probeIntervalMs + 2 * minSuspicionMs(options, most);
      for (let i = 0; i < boundMs / 200 && !seen('c'); i++) flood(cluster, 200, 200, () => invent(20));
      expect(seen('c')).toBe(true);
      expect(cluster.nowMs - silentSinceMs).toBeLessThanOrEqual(boundMs);
      expect(eventsAmong(cluster, ['a', 'd', 'e', 'f'])).toEqual(new Set(['joined']));
    },
  );

  it('keeps no honest newcomer out, however full of its inventions swim.maxHearsay is', () => {
    const cluster = infiltrated({ maxHearsay: 256 });
    const invent = inventor(cluster, 'silent');
    flood(cluster, seconds(10), 200, () => invent(20));
    cluster.crash('f').runFor(seconds(5));
    cluster.restart('f');
    const knows = (at: string): boolean => cluster.stateAt(at, 'f') === 'alive';
    const everybody = (): boolean => HONEST.every((at) => at === 'f' || knows(at));
    for (let i = 0; i < 150 && !everybody(); i++) flood(cluster, 200, 200, () => invent(20));
    expect(everybody()).toBe(true);
  });

  it('pushes no real tombstone out, and no lost member out of mind', () => {
    const cluster = infiltrated({ maxTombstones: 32, maxHearsay: 256 });
    const invent = inventor(cluster, 'refusing');
    flood(cluster, minutes(1), 1000, () => invent(50));
    expectBounded(cluster, { hearsay: 2 * (256 + 4 * HONEST.length), tombstones: 32 });
    for (const name of HONEST) {
      expect(protocolOf(cluster, name).counters['reaped']).toBeGreaterThan(0);
      expect(cluster.stateAt(name, GONE)).toBe('unreachable');
    }
  });

  it('is forgotten when it stops: everybody is alone with the living again', () => {
    const cluster = infiltrated({ maxHearsay: 128 });
    const invent = inventor(cluster, 'refusing');
    flood(cluster, seconds(10), 200, () => invent(20));
    cluster.crash(EVIL).runFor(minutes(10));
    for (const name of HONEST) expect(cluster.membersAt(name)).toEqual(HONEST);
  });
});

function gone(cluster: Cluster, name: string): boolean {
  return !cluster.node(name).isRunning;
}

describe('an insider that suspects everybody at line rate', () => {
  /** With incarnations that rise as fast as they can, in the name of all others, so that each confirms. */
  const accuse = (cluster: Cluster, kind: SuspicionKind, step: number): (() => Update[]) => {
    let round = 0;
    return () => {
      round++;
      return [...HONEST, ...HONEST].map((victim, i) => {
        const { local } = protocolOf(cluster, victim);
        const accuser = cluster.node(HONEST[(i + round) % HONEST.length]!).id;
        return {
          type: 'suspect',
          id: local.id,
          incarnation: local.incarnation + (round % step),
          accuser,
          kind,
        };
      });
    };
  };

  it.each([
    ['soft', 900],
    ['hard', 1],
    ['hard', 900],
  ] as const)('brings nobody down, and makes nobody shout (%s, rising by up to %i)', (kind, step) => {
    const cluster = infiltrated();
    const before = new Map(HONEST.map((name) => [name, { ...protocolOf(cluster, name).counters }]));
    const forMs = seconds(20);
    flood(cluster, forMs, 10, accuse(cluster, kind, step));
    const events = eventsAmong(cluster, HONEST);
    expect([events.has('unreachable'), events.has('left')]).toEqual([false, false]);
    const intervals = forMs / options.gossipIntervalMs;
    for (const name of HONEST) {
      const { counters } = protocolOf(cluster, name);
      const since = (counter: string): number => (counters[counter] ?? 0) - (before.get(name)![counter] ?? 0);
      expect(since('refutations')).toBeLessThanOrEqual(intervals + 1);
      // A refutation to messenger, accuser and fanout; answers to each member; a gossip round; hard news, forwarded.
      const aGossipInterval = 2 + options.gossipFanout + 8 * 7 + options.gossipFanout;
      const forwards =
        options.maxForwardsPerInterval * options.forwardPeers * (forMs / options.probeIntervalMs);
      // Pings, acks and relays of all, and what syncs send.
      const probes = 60 * (forMs / options.probeIntervalMs);
      expect(since('messagesSent')).toBeLessThanOrEqual(intervals * aGossipInterval + forwards + probes);
    }
    expectBounded(cluster, { hearsay: 0 });

    // A real death among all the shouting.
    cluster.crash('b');
    flood(cluster, seconds(10), 10, accuse(cluster, kind, step));
    // With rising incarnations it can make the suspicion of a dead one begin anew, as long as it goes on.
    const expected = step === 1 ? ['unreachable'] : ['suspect', 'unreachable'];
    for (const name of HONEST) if (name !== 'b') expect(expected).toContain(cluster.stateAt(name, 'b'));

    // And when it is over, all is well.
    cluster.crash(EVIL).runFor(minutes(1));
    for (const name of HONEST)
      if (name !== 'b') expect(cluster.membersAt(name)).toEqual(['a', 'c', 'd', 'e', 'f']);
    for (const at of cluster.membersAt('a'))
      for (const about of cluster.membersAt('a'))
        if (at !== about) expect(cluster.stateAt(at, about)).toBe('alive');
  });
});
