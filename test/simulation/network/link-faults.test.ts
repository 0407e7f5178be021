import { describe, it, expect } from '@jest/globals';
import type { Peer, ProtocolSendOptions } from '../../../src/membership/protocol.js';
import { Simulation, type SimulationOptions } from '../../../src/simulation/simulation.js';
import { Recorder } from '../recorder.js';

/** Nodes that only say what the test makes them say, with a link between a and b. */
function setUp(options: Partial<SimulationOptions<string>> = {}) {
  const network = new Simulation<string>({
    nodes: 3,
    seed: 1,
    start: 'apart',
    latency: { minMs: 1, maxMs: 2 },
    protocol: (local, world) => new Recorder(local, world),
    ...options,
  });
  const recorder = (name: string) => network.node(name).protocol as Recorder;
  const peer = (name: string): Peer => network.node(name).self;
  const send = (from: string, to: string, message: string, how?: ProtocolSendOptions) =>
    network.node(from).send(peer(to), message, how);
  /** What a node got since the last look. */
  const take = (name: string) => recorder(name).inputs.splice(0);
  const link = (from: string, to: string) => {
    send(from, to, 'hello');
    network.runFor(50);
    take(from);
    take(to);
  };
  link('a', 'b');
  return { network, recorder, send, take, link };
}

/** The numbers that were sent, as they came. */
const numbers = (inputs: readonly string[]) => inputs.map(Number);

describe('loss in one direction', () => {
  it('leaves the other direction alone', () => {
    const { network, send, take } = setUp();
    network.lose(1, 'a', 'b');
    send('a', 'b', 'lost');
    send('b', 'a', 'kept');
    network.runFor(10);
    expect([take('a'), take('b')]).toEqual([['kept'], []]);
  });

  it('is undone by what is said for everywhere, and by a heal of everything', () => {
    for (const undo of ['lose', 'heal'] as const) {
      const { network, send, take } = setUp();
      network.lose(1, 'a', 'b');
      if (undo === 'lose') network.lose(0);
      else network.healAll();
      send('a', 'b', 'kept');
      network.runFor(10);
      expect(take('b')).toEqual(['kept']);
    }
  });
});

describe('duplication', () => {
  it('of every message in one direction brings each twice, in order', () => {
    const { network, send, take } = setUp();
    network.duplicate(1, 'a', 'b');
    for (const message of ['one', 'two']) send('a', 'b', message);
    send('b', 'a', 'once');
    network.runFor(10);
    expect([take('a'), take('b')]).toEqual([['once'], ['one', 'one', 'two', 'two']]);
  });

  it('of half of them everywhere brings as many, and a heal of everything ends it', () => {
    const { network, send, take } = setUp();
    network.duplicate(0.5);
    for (let at = 0; at < 1000; at++) send('a', 'b', 'x');
    network.runFor(10);
    const { length } = take('b');
    expect(length).toBeGreaterThan(1400);
    expect(length).toBeLessThan(1600);
    network.healAll();
    send('a', 'b', 'x');
    network.runFor(10);
    expect(take('b')).toEqual(['x']);
  });
});

describe('reordering', () => {
  it('lets later messages overtake those that are held back, and loses none', () => {
    const { network, send, take } = setUp();
    network.reorder({ share: 0.5, spreadMs: 50 });
    const sent = Array.from({ length: 50 }, (_, at) => at);
    for (const at of sent) send('a', 'b', `${at}`);
    network.runFor(100);
    const came = numbers(take('b'));
    expect(came).not.toEqual(sent);
    expect(came.toSorted((a, b) => a - b)).toEqual(sent);
  });

  it('keeps the order in the other direction, and everywhere after a heal of everything', () => {
    const { network, send, take } = setUp();
    const sent = Array.from({ length: 50 }, (_, at) => at);
    network.reorder({ share: 1, spreadMs: 50 }, 'a', 'b');
    for (const at of sent) send('b', 'a', `${at}`);
    network.runFor(100);
    expect(numbers(take('a'))).toEqual(sent);
    network.healAll();
    for (const at of sent) send('a', 'b', `${at}`);
    network.runFor(100);
    expect(numbers(take('b'))).toEqual(sent);
  });
});

describe('a delay in one direction', () => {
  it('slows that one down, until everything is healed', () => {
    const { network, send, take } = setUp();
    network.delayOneWay({ minMs: 100, maxMs: 100 }, 'a', 'b');
    send('a', 'b', 'late');
    send('b', 'a', 'soon');
    network.runFor(99);
    expect([take('a'), take('b')]).toEqual([['soon'], []]);
    network.runFor(1);
    expect(take('b')).toEqual(['late']);
    network.healAll();
    send('a', 'b', 'soon');
    network.runFor(2);
    expect(take('b')).toEqual(['soon']);
  });
});

describe('a link that flaps', () => {
  it('is down and up, so many times', () => {
    const { network, link, send, take } = setUp();
    network.flap('a', 'c', 1000, 500, 2);
    /** Whether a new dial gets through now. */
    const isUp = () => {
      send('a', 'c', 'fresh', { via: 'verify' });
      network.runFor(100);
      return take('c').includes('fresh');
    };
    const seen: boolean[] = [];
    for (const atMs of [0, 800, 1100, 1300, 1600, 2300, 2600, 3100, 10_000]) {
      network.runFor(Math.max(0, atMs + startMs - network.nowMs));
      seen.push(isUp());
    }
    expect(seen).toEqual([false, false, true, true, false, false, true, true, true]);
    link('a', 'c');
  });

  it.each(['heal', 'healAll'] as const)('is up for good after a %s', (how) => {
    const { network, send, take } = setUp();
    network.flap('a', 'b', 1000, 500, 10).runFor(300);
    if (how === 'heal') network.heal('a', 'b');
    else network.healAll();
    network.runFor(1200);
    send('a', 'b', 'through');
    network.runFor(10);
    expect(take('b')).toEqual(['through']);
  });
});

const startMs = 50;

describe('a full link pool', () => {
  it('closes a random idle link with a goodbye, which both protocols hear of', () => {
    const { network, recorder, send, take } = setUp({ nodes: 4, maxLinks: 2 });
    send('a', 'c', 'second');
    network.runFor(50);
    take('a');
    send('a', 'd', 'third');
    network.runFor(50);
    expect(take('a')).toEqual(['up', 'goodbye']);
    expect(recorder('b').inputs).toEqual(['goodbye']);
    expect(recorder('c').inputs).toEqual(['up', 'second']);
    expect(recorder('d').inputs).toEqual(['up', 'third']);
  });

  it('dials again where it is needed', () => {
    const { network, recorder, send } = setUp({ nodes: 4, maxLinks: 1 });
    for (const [to, message] of [
      ['c', 'one'],
      ['b', 'two'],
      ['d', 'three'],
    ] as const) {
      send('a', to, message);
      network.runFor(50);
    }
    expect(recorder('c').inputs).toEqual(['up', 'one', 'goodbye']);
    expect(recorder('b').inputs).toEqual(['goodbye', 'up', 'two', 'goodbye']);
    expect(recorder('d').inputs).toEqual(['up', 'three']);
  });
});

describe('a node whose input and output are blocked', () => {
  it('sends and reads nothing, while its timers fire, and afterwards first sends, then reads, in order', () => {
    const { network, recorder, send, take } = setUp();
    network.blockIo('b', 1000);
    recorder('b').world.after(500, { kind: 'timer', token: 1 });
    for (const message of ['one', 'two']) {
      send('a', 'b', `to b: ${message}`);
      send('b', 'a', `to a: ${message}`);
    }
    network.runFor(999);
    expect([take('a'), take('b')]).toEqual([[], ['timer late 0']]);
    recorder('b').receive = (_from, message) => {
      recorder('b').inputs.push(message);
      send('b', 'a', `answer to ${message}`);
    };
    network.runFor(10);
    expect(take('b')).toEqual(['to b: one', 'to b: two']);
    expect(take('a')).toEqual(['to a: one', 'to a: two', 'answer to to b: one', 'answer to to b: two']);
  });

  it('does not answer a dial meanwhile', () => {
    const { network, send, take } = setUp({ dialTimeoutMs: 500 });
    network.blockIo('c', 1000);
    send('a', 'c', 'new');
    network.runFor(600);
    expect(take('a')).toEqual(['silent']);
  });

  it('stays blocked until the last of several anomalies ends', () => {
    const { network, send, take } = setUp();
    network.blockIo('b', 1000).blockIo('b', 2000);
    send('a', 'b', 'message');
    network.runFor(1999);
    expect(take('b')).toEqual([]);
    network.runFor(1);
    expect(take('b')).toEqual(['message']);
  });
});

describe('a second process at the address of a first', () => {
  it('answers new dials, while the first keeps its links, until everything is healed', () => {
    const { network, send, take, link } = setUp();
    network.shareAddress('b');
    send('a', 'b', 'kept');
    send('c', 'b', 'new');
    network.runFor(50);
    expect([take('b'), take('c')]).toEqual([['kept'], ['replaced by another']]);
    network.healAll();
    link('c', 'b');
    expect(network.node('b#2').isRunning).toBe(false);
    expect(network.node('b').name).toBe('b');
  });
});
