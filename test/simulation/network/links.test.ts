import { describe, it, expect } from '@jest/globals';
import type { Peer, ProtocolSendOptions } from '../../../src/membership/protocol.js';
import { Simulation, type SimulationOptions } from '../../../src/simulation/simulation.js';
import { Recorder } from '../recorder.js';

const DIAL_TIMEOUT_MS = 1000;

/** Nodes a, b … that only say what the test makes them say. */
function setUp(options: Partial<SimulationOptions<string>> = {}) {
  const network = new Simulation<string>({
    nodes: 2,
    seed: 1,
    start: 'apart',
    latency: { minMs: 1, maxMs: 2 },
    dialTimeoutMs: DIAL_TIMEOUT_MS,
    protocol: (local, world) => new Recorder(local, world),
    ...options,
  });
  const node = (name: string) => network.node(name).protocol as Recorder;
  const peer = (name: string): Peer => network.node(name).self;
  const send = (from: string, to: Peer, message: string, how?: ProtocolSendOptions) =>
    network.node(from).send(to, message, how);
  /** What a node got since the last look. */
  const take = (name: string) => node(name).inputs.splice(0);
  /** Establishes the link from a to b and forgets about it. */
  const link = () => {
    send('a', peer('b'), 'hello');
    network.runFor(100);
    take('a');
    take('b');
  };
  return { network, node, peer, send, take, link };
}

describe('a message to a peer without a link', () => {
  it('dials one, which both sides see, then arrives', () => {
    const { network, peer, send, take } = setUp();
    send('a', peer('b'), 'one');
    send('a', peer('b'), 'two');
    network.runFor(100);
    expect(take('a')).toEqual(['up']);
    expect(take('b')).toEqual(['up', 'one', 'two']);
    send('b', peer('a'), 'back');
    network.runFor(100);
    expect(take('a')).toEqual(['back']);
  });

  it('finds the link also by its address alone', () => {
    const { network, peer, send, take, link } = setUp();
    link();
    send('a', { id: undefined, address: peer('b').address }, 'by address');
    network.runFor(100);
    expect([take('a'), take('b')]).toEqual([[], ['by address']]);
  });

  it('leads to one link when both dial at once', () => {
    const { network, peer, send, take } = setUp();
    send('a', peer('b'), 'from a');
    send('b', peer('a'), 'from b');
    network.runFor(100);
    expect(take('a').filter((input) => input === 'closed')).toEqual([]);
    send('a', peer('b'), 'again');
    send('b', peer('a'), 'again');
    network.runFor(100);
    expect(take('a')).toContain('again');
    expect(take('b')).toContain('again');
  });

  it('is refused where no process listens, and reported unsent', () => {
    const { network, peer, send, take } = setUp();
    const b = peer('b');
    network.crash('b');
    send('a', b, 'one', { token: 7 });
    network.runFor(10);
    expect(take('a')).toEqual(['unsent 7', 'refused']);
  });

  it('is silent where the host has no power, until the dial is given up', () => {
    const { network, peer, send, take } = setUp();
    const b = peer('b');
    network.powerOff('b');
    send('a', b, 'one', { token: 7 });
    network.runFor(DIAL_TIMEOUT_MS - 1);
    expect(take('a')).toEqual([]);
    network.runFor(1);
    expect(take('a')).toEqual(['unsent 7', 'silent']);
  });

  it('is silent across a cut in either direction', () => {
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const { network, peer, send, take } = setUp();
      network.cutOneWay(from, to);
      send('a', peer('b'), 'one');
      network.runFor(DIAL_TIMEOUT_MS);
      expect([take('a'), take('b')]).toEqual([['silent'], []]);
    }
  });

  it('is answered by another after a restart at the same address', () => {
    const { network, peer, send, take } = setUp();
    const before = peer('b');
    network.restart('b');
    send('a', before, 'to the old one', { token: 3 });
    send('a', { id: undefined, address: before.address }, 'to whoever it is');
    network.runFor(100);
    expect(take('a')).toEqual(['unsent 3', 'replaced by another', 'up']);
    expect(take('b')).toEqual(['up', 'to whoever it is']);
  });

  it('to itself is silent', () => {
    const { network, peer, send, take } = setUp();
    send('a', { id: undefined, address: peer('a').address }, 'me');
    network.runFor(100);
    expect(take('a')).toEqual(['silent']);
  });
});

describe('an established link', () => {
  it('is closed by the kernel when its process dies', () => {
    const { network, take, link } = setUp();
    link();
    network.crash('b').runFor(10);
    expect(take('a')).toEqual(['closed']);
  });

  it('says goodbye when its node has left', () => {
    const { network, take, link } = setUp();
    link();
    network.leave('b').runFor(10);
    expect(take('a')).toEqual(['goodbye']);
    expect(network.node('b').isRunning).toBe(false);
  });

  it('stays open in vain when the host loses power, and is reset after the restart', () => {
    const { network, peer, send, take, link } = setUp();
    link();
    const before = peer('b');
    network.powerOff('b');
    send('a', before, 'into the void');
    network.runFor(5000);
    expect(take('a')).toEqual([]);
    network.restart('b');
    send('a', before, 'to a new kernel');
    network.runFor(100);
    expect(take('a')).toEqual(['closed']);
  });

  it('keeps quiet while cut, and delivers in order some time after the heal', () => {
    const { network, peer, send, take, link } = setUp();
    link();
    network.cut('a', 'b');
    send('a', peer('b'), 'one');
    network.runFor(60_000);
    expect([take('a'), take('b')]).toEqual([[], []]);
    network.heal('a', 'b');
    send('a', peer('b'), 'two');
    network.runFor(60_100);
    expect([take('a'), take('b')]).toEqual([[], ['one', 'two']]);
  });

  it('is replaced by a fresh one, which works at once after a heal', () => {
    const { network, peer, send, take, link } = setUp();
    link();
    network.cut('a', 'b');
    send('a', peer('b'), 'stuck');
    network.runFor(60_000).heal('a', 'b');
    send('a', peer('b'), 'fresh', { via: 'fresh' });
    network.runFor(20);
    send('b', peer('a'), 'on the new link');
    network.runFor(70_000);
    expect(take('b')).toEqual(['up', 'fresh']);
    expect(take('a')).toEqual(['up', 'on the new link']);
  });

  it('goes on while a firewall refuses every new dial', () => {
    const { network, peer, send, take, link } = setUp();
    link();
    network.answerDials('b', 'refuse');
    send('a', peer('b'), 'kept');
    send('a', peer('b'), 'new', { via: 'verify' });
    network.runFor(10);
    expect([take('a'), take('b')]).toEqual([['refused'], ['kept']]);
  });

  it('that is reset says goodbye to the other side, and the next message dials', () => {
    const { network, node, peer, send, take, link } = setUp();
    link();
    node('a').world.resetLink(peer('b').id!);
    network.runFor(10);
    expect([take('a'), take('b')]).toEqual([[], ['goodbye']]);
    send('a', peer('b'), 'again');
    network.runFor(100);
    expect(take('b')).toEqual(['up', 'again']);
  });

  it('loses whole messages when told to', () => {
    const { network, peer, send, take, link } = setUp();
    link();
    network.lose(0.5);
    for (let i = 0; i < 1000; i++) send('a', peer('b'), 'x');
    network.runFor(100);
    const arrived = take('b').length;
    expect(arrived).toBeGreaterThan(400);
    expect(arrived).toBeLessThan(600);
  });
});

describe('a paused process', () => {
  it('is dialled in vain, but its kept link takes what comes', () => {
    const { network, peer, send, take, link } = setUp({ nodes: 3 });
    link();
    network.pause('b');
    send('a', peer('b'), 'kept');
    send('c', peer('b'), 'new');
    network.runFor(DIAL_TIMEOUT_MS + 100);
    expect([take('a'), take('b'), take('c')]).toEqual([[], [], ['silent']]);
    network.resume('b');
    expect(take('b')).toEqual(['kept']);
  });

  it('meets late timers first, then input, then what waits for a poll', () => {
    const { network, node, peer, send, take, link } = setUp();
    link();
    const { world } = node('b');
    world.after(100, { kind: 'timer', token: 1 });
    network.pause('b');
    send('a', peer('b'), 'message');
    network.runFor(2000);
    world.afterPoll({ kind: 'verdict', token: 2 });
    network.resume('b').runFor(1);
    expect(take('b')).toEqual(['stalled 1900', 'timer late 1900', 'message', 'verdict late 0']);
  });

  it('has a clock that stood still', () => {
    const { network, node, take } = setUp();
    const { world } = node('b');
    world.after(100, { kind: 'soon', token: 1 });
    world.after(300, { kind: 'later', token: 2 });
    const before = world.now();
    network.pause('b').runFor(5000).resume('b');
    expect(world.now() - before).toBe(100);
    take('b');
    network.runFor(199);
    expect(take('b')).toEqual([]);
    network.runFor(1);
    expect(take('b')).toEqual(['later late 0']);
  });
});

describe('a simulation', () => {
  it('writes a journal, shows it when it waits in vain, and names the seed', () => {
    const { network, peer, send } = setUp({ traceMessages: true, seed: 77 });
    send('a', peer('b'), 'hello');
    expect(() => network.until('pigs fly', () => false, { withinMs: 50 })).toThrow(
      /Waited 50 ms in vain until pigs fly\n.*seed 77\n[^]*b {3}← a "hello"/,
    );
    expect(network.log('a')).not.toContain('←');
  });

  it('calls its nodes a, b … z, aa, ab', () => {
    expect(setUp({ nodes: 28 }).network.names.slice(24)).toEqual(['y', 'z', 'aa', 'ab']);
  });
});
