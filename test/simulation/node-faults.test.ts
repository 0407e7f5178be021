import { describe, it, expect } from '@jest/globals';
import type { Peer } from '../../src/membership/protocol.js';
import { minutes, seconds, simulate } from '../../src/simulation/simulate.js';
import { Simulation } from '../../src/simulation/simulation.js';
import { Recorder } from './recorder.js';

/** Two linked nodes that only say what the test makes them say. */
function setUp() {
  const network = new Simulation<string>({
    nodes: 3,
    seed: 1,
    start: 'apart',
    latency: { minMs: 1, maxMs: 2 },
    protocol: (local, world) => new Recorder(local, world),
  });
  const recorder = (name: string) => network.node(name).protocol as Recorder;
  const peer = (name: string): Peer => network.node(name).self;
  const send = (from: string, to: string, message: string) => network.node(from).send(peer(to), message);
  const take = (name: string) => recorder(name).inputs.splice(0);
  send('a', 'b', 'hello');
  network.runFor(100);
  take('a');
  take('b');
  return { network, recorder, send, take };
}

describe('a suspended machine', () => {
  it('has a monotonic clock that stood still, and a wall clock that went on', () => {
    const { network, recorder } = setUp();
    const { world } = recorder('b');
    const before = { now: world.now(), epochMs: world.epochMs() };
    network.suspend('b', minutes(10)).runFor(minutes(5));
    expect(world.now() - before.now).toBe(0);
    network.runFor(minutes(5));
    expect(world.now() - before.now).toBe(0);
    expect(world.epochMs() - before.epochMs).toBe(minutes(10));
  });

  it('fires no timer while it sleeps, and each with the time that it had left; the protocol is told first', () => {
    const { network, recorder, take } = setUp();
    const { world } = recorder('b');
    world.after(100, { kind: 'soon', token: 1 });
    world.after(300, { kind: 'later', token: 2 });
    network.runFor(50).suspend('b', minutes(1)).runFor(minutes(1));
    expect(take('b')).toEqual([]);
    network.runFor(49);
    expect(take('b')).toEqual([]);
    network.runFor(2);
    expect(take('b')).toEqual(['stalled 60000', 'soon late 0']);
    network.runFor(200);
    expect(take('b')).toEqual(['later late 0']);
  });

  it('answers nothing, not even a dial, and gets what was sent to it some time after it woke', () => {
    const { network, send, take } = setUp();
    network.suspend('b', seconds(30)).runFor(1);
    send('a', 'b', 'sent again and again');
    send('c', 'b', 'new');
    network.runFor(seconds(30));
    expect([take('b'), take('c')]).toEqual([[], ['silent']]);
    network.runFor(seconds(31));
    expect(take('b')).toEqual(['sent again and again']);
  });

  it('comes back as itself, judges nobody, and is seen alive again', () => {
    const cluster = simulate({ nodes: 6, seed: 2 }).settle().runFor(seconds(5));
    cluster.suspend('c', minutes(5)).untilEveryoneHolds('c', 'unreachable', { withinMs: minutes(2) });
    cluster.runFor(minutes(5)).settle({ withinMs: minutes(2) });
    for (const name of ['a', 'b', 'd', 'e', 'f']) {
      expect(cluster.eventsAt('c').about(name)).toEqual(['joined']);
      expect(cluster.eventsAt(name).about('c').at(-1)).toBe('joined');
    }
  });

  it('for longer than tombstones last discards its view and joins as if new', () => {
    const cluster = simulate({ nodes: 5, seed: 3 }).settle().runFor(seconds(5));
    cluster
      .suspend('c', minutes(90))
      .runFor(minutes(90))
      .settle({ withinMs: minutes(2) });
    expect(cluster.eventsAt('c').about('a')).toEqual(['joined', 'unreachable', 'joined']);
  });
});

describe('a wall clock that jumps', () => {
  it.each([minutes(60 * 24), -minutes(60 * 24)])(
    'by %i ms changes nothing but what people are shown',
    (ms) => {
      const run = (shiftMs: number) => {
        const cluster = simulate({ nodes: 5, seed: 4, traceMessages: true }).settle();
        const before = cluster.node('b').epochMs();
        cluster.shiftClock('b', shiftMs);
        expect(cluster.node('b').epochMs() - before).toBe(shiftMs);
        cluster.runFor(seconds(20)).crash('c').runFor(minutes(1));
        return cluster.log(undefined, 100_000).replaceAll(/.*fault .*shift-clock.*/g, '');
      };
      expect(run(ms)).toBe(run(0));
    },
  );
});

describe('a slow event loop', () => {
  it('does one thing after the other, and what comes meanwhile waits', () => {
    const { network, recorder, send, take } = setUp();
    network.slowLoop('b', 100);
    for (const message of ['one', 'two', 'three']) send('a', 'b', message);
    recorder('b').world.after(20, { kind: 'timer', token: 1 });
    network.runFor(10);
    expect(take('b')).toEqual(['one']);
    network.runFor(100);
    // Due at 20, the loop is free about 101.5 ms after the start; timers come before input in each turn.
    expect(take('b')).toEqual(['stalled 81', 'timer late 81']);
    network.runFor(100);
    expect(take('b')).toEqual(['two']);
    network.runFor(100);
    expect(take('b')).toEqual(['three']);
  });

  it('is fast again when told so, after what it is doing', () => {
    const { network, send, take } = setUp();
    network.slowLoop('b', 1000);
    for (const message of ['one', 'two', 'three']) send('a', 'b', message);
    network.runFor(10).slowLoop('b', 0).runFor(990);
    expect(take('b')).toEqual(['one']);
    network.runFor(10);
    expect(take('b')).toEqual(['two', 'three']);
  });

  it('of 20 ms per callback makes nobody unreachable among 8', () => {
    const cluster = simulate({ nodes: 8, seed: 5 }).settle().slowLoop('c', 20).runFor(minutes(3));
    for (const name of cluster.names) {
      const types = cluster.eventsAt(name).all.map(({ event }) => event.type);
      expect(types).not.toContain('unreachable');
    }
    cluster.slowLoop('c', 0).settle();
  });
});

describe('two processes at one address', () => {
  it('are both members while both answer, and nobody else is touched', () => {
    const cluster = simulate({ nodes: 5, seed: 6 }).settle().runFor(seconds(20));
    cluster.shareAddress('c').runFor(minutes(2));
    for (const name of ['a', 'b', 'd', 'e']) {
      expect(cluster.membersAt(name)).toEqual(['a', 'b', 'c', 'c#2', 'd', 'e']);
      expect(cluster.eventsAt(name).about('c#1')).not.toContain('unreachable');
    }
    cluster.healAll().settle({ withinMs: minutes(2) });
  });

  it('are a conflict for those that dial the second one and still hear from the first', () => {
    const cluster = simulate({ nodes: 5, seed: 2, maxLinks: 2 }).settle().runFor(seconds(20));
    cluster.shareAddress('c').runFor(minutes(2));
    const notices = cluster.names.flatMap((name) => cluster.node(name).notices.map(({ type }) => type));
    expect(notices).toContain('address-conflict');
    cluster.healAll().settle({ withinMs: minutes(2) });
  });
});

describe('a fault as data', () => {
  it('does nothing when it makes no sense', () => {
    const cluster = simulate({ nodes: 3, seed: 7 }).settle().crash('c');
    cluster
      .apply({ kind: 'crash', node: 'c' })
      .apply({ kind: 'crash', node: 'nobody' })
      .apply({ kind: 'cut', from: 'a', to: 'a' })
      .apply({ kind: 'leave', node: 'c' })
      .apply({ kind: 'heal', from: 'a', to: 'b' });
    expect(cluster.log()).not.toMatch(/nobody|"cut"|"leave"/);
    expect(cluster.log().match(/"crash"/g)).toHaveLength(1);
  });

  it('is refused as a sentence, and the sentence says why', () => {
    const cluster = simulate({ nodes: 3, seed: 7 }).settle().crash('c');
    expect(() => cluster.crash('c')).toThrow('crash: c does not run');
    expect(() => cluster.pause('nobody')).toThrow('There is no node "nobody"');
    expect(() => cluster.cut('a', 'a')).toThrow('cut needs two nodes, not a twice');
  });
});
