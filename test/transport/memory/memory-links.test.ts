import { describe, expect, it } from '@jest/globals';
import { BindError } from '../../../src/errors.js';
import { Random } from '../../../src/simulation/random.js';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';
import { BrokenLinkError } from '../../../src/transport/memory/broken-link-error.js';
import type { MemoryLinks } from '../../../src/transport/memory/memory-links.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/transport/memory/memory-network.js';
import type { Frame } from '../../../src/transport/session/frame.js';
import { Acceptor, RecordingHandler } from '../recording-handler.js';
import { EXAMPLES } from '../session/frames.js';

const AT_B = { host: 'b', port: 7946 };

describe.each([false, true])('memory links (as bytes: %s)', (wire) => {
  it('carry every frame in order, however delays vary', async () => {
    const { clock, here, there } = await connected(wire, { delay: { minMs: 1, maxMs: 100 } });
    for (const frame of Object.values(EXAMPLES)) here.link.send(frame);
    clock.runFor(200);
    expect(there.frames).toEqual(Object.values(EXAMPLES));
  });

  it('hold frames back while cut, one way only if so wished, and give them after the heal', async () => {
    const { clock, network, here, there } = await connected(wire);
    network.cutOneWay('a', 'b');
    here.link.send(EXAMPLES.ack);
    there.link.send(EXAMPLES.credit);
    clock.runFor(10_000);
    expect([there.frames, here.frames]).toEqual([[], [EXAMPLES.credit]]);
    network.heal('a', 'b');
    here.link.send(EXAMPLES.reject);
    clock.runFor(10);
    expect(there.frames).toEqual([EXAMPLES.ack, EXAMPLES.reject]);
  });

  it('push back when the other side cannot be reached, and drain after the heal', async () => {
    const { clock, network, here, there } = await connected(wire);
    network.cut('a', 'b');
    let sent = 0;
    while (here.link.send(large(sent++)));
    expect(here.link.bufferedBytes).toBeGreaterThan(256 * 1024);
    expect(here.link.flushedFrames).toBeLessThan(sent);
    network.heal();
    clock.runFor(100);
    expect(here.calls).toContain('drained');
    expect(there.frames).toHaveLength(sent);
  });

  it('break as a whole: both ends hear of it, what was under way is lost', async () => {
    const { clock, network, here, there } = await connected(wire);
    here.link.send(EXAMPLES.ack);
    network.breakLinks('b', 'a');
    clock.runFor(10);
    expect([here.error, there.error]).toEqual([expect.any(BrokenLinkError), expect.any(BrokenLinkError)]);
    expect(there.frames).toEqual([]);
  });

  it('end after what was queued, and close on both sides', async () => {
    const { clock, here, there } = await connected(wire);
    for (let seq = 0; seq < 20; seq++) here.link.send(large(seq));
    here.link.end();
    clock.runFor(2000);
    expect(there.frames).toHaveLength(20);
    expect([here.error, there.error, here.isClosed, there.isClosed]).toEqual([
      undefined,
      undefined,
      true,
      true,
    ]);
  });

  it('are destroyed: told later, once, on both sides', async () => {
    const { clock, here, there } = await connected(wire);
    here.link.destroy();
    expect(here.isClosed).toBe(false);
    clock.runFor(2000);
    expect([here.calls, there.calls]).toEqual([['closed'], ['closed']]);
  });

  it('that are destroyed with a full buffer end at the other side, too', async () => {
    const { clock, here, there } = await connected(wire);
    for (let seq = 0; here.link.send(large(seq)); seq++);
    here.link.destroy();
    clock.runFor(2000);
    expect(there.frames.length).toBeGreaterThan(0);
    expect(there.isClosed).toBe(true);
  });

  it('end at the peers of a process that crashed, and its port refuses', async () => {
    const { clock, network, a, here, there } = await connected(wire);
    network.crash('b');
    clock.runFor(10);
    expect([here.isClosed, there.isClosed]).toEqual([true, false]);
    expect(dial(clock, a)).toMatchObject({ failed: 'refused' });
  });

  it('are taken up by a new process at the old address', async () => {
    const { clock, network, a } = await connected(wire);
    network.crash('b');
    const acceptor = new Acceptor();
    await network.links('b').listen(AT_B, acceptor.accept, fail);
    expect(dial(clock, a).link).toBeDefined();
    expect(acceptor.handlers).toHaveLength(1);
  });
});

describe('dials in memory', () => {
  it('are silent over a cut, in either direction, into a black hole, and to where nobody ever was', async () => {
    const { clock, network, a } = await connected(false);
    for (const fault of [
      () => network.cutOneWay('a', 'b'),
      () => network.cutOneWay('b', 'a'),
      () => network.partition(['a'], ['b', 'c']),
    ]) {
      fault();
      expect(dial(clock, a)).toMatchObject({ failed: 'silent' });
      network.heal();
    }
    network.blackHole('b');
    expect(dial(clock, a)).toMatchObject({ failed: 'silent' });
    network.restore('b');
    expect(dial(clock, a).link).toBeDefined();
    expect(dial(clock, a, { host: 'nowhere', port: 1 })).toMatchObject({ failed: 'silent' });
  });

  it('are refused by a firewall, while links that there are go on', async () => {
    const { clock, network, a, here, there } = await connected(false);
    network.rejectDials('a', 'b');
    expect(dial(clock, a)).toMatchObject({ failed: 'refused' });
    here.link.send(EXAMPLES.ack);
    clock.runFor(10);
    expect(there.frames).toEqual([EXAMPLES.ack]);
  });

  it('tell nothing when cancelled, and the accepting side hears the end', async () => {
    const { clock, a, acceptor } = await connected(false);
    const calls: string[] = [];
    const pending = a.dial(AT_B, 1000, {
      opened: (link) => (calls.push('opened'), new RecordingHandler(link)),
      failed: () => calls.push('failed'),
    });
    clock.runFor(0.7);
    pending.cancel();
    clock.runFor(5000);
    expect(calls).toEqual([]);
    expect(acceptor.handlers[1]!.isClosed).toBe(true);
  });

  it('tell the end that the accepting side made at once, after the connection', async () => {
    const { clock, network, a } = await connected(false);
    await network
      .links('c')
      .listen({ host: 'c', port: 1 }, (link) => (link.destroy(), new RecordingHandler(link)), fail);
    const { link } = dial(clock, a, { host: 'c', port: 1 });
    clock.runFor(10);
    expect(link!.calls).toEqual(['closed']);
  });
});

describe('listeners in memory', () => {
  it('hold their address alone', async () => {
    const { network } = await connected(false);
    await expect(network.links('c').listen(AT_B, new Acceptor().accept, fail)).rejects.toThrow(BindError);
  });

  it('that are lost say so', async () => {
    const { network } = await connected(false);
    const causes: unknown[] = [];
    const c = network.links('c');
    await c.listen({ host: 'c', port: 0 }, new Acceptor().accept, (cause) => causes.push(cause));
    c.loseListeners('why');
    expect(causes).toEqual(['why']);
  });

  it('close without waiting for virtual time, and all links with them', async () => {
    const { a, b, clock, here, there } = await connected(false);
    await b.close();
    expect(there.isClosed).toBe(true);
    clock.runFor(10);
    expect(here.isClosed).toBe(true);
    expect([a.open, b.open]).toEqual([0, 0]);
  });
});

describe('a memory network', () => {
  it('gives the same run for the same seed, and another for another', async () => {
    const run = async (seed: number) => {
      const { clock, here, there } = await connected(
        true,
        { delay: { minMs: 0, maxMs: 50 }, lossPerFrame: 0.02 },
        seed,
      );
      const trace: string[] = [];
      for (let i = 0; i < 200; i++) {
        here.link.send({ type: 'ack', expected: i });
        clock.runFor(3);
        trace.push(`${there.frames.length} ${there.isClosed}`);
      }
      return trace;
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('gives the receiver bytes of its own', async () => {
    const { clock, here, there } = await connected(false);
    const chunk = Uint8Array.of(1, 2, 3);
    here.link.send({ ...EXAMPLES.data, chunk });
    clock.runFor(10);
    chunk.fill(0);
    expect(there.frames[0]).toMatchObject({ chunk: Uint8Array.of(1, 2, 3) });
  });
});

async function connected(wire: boolean, options: Partial<MemoryNetworkOptions> = {}, seed = 1) {
  const clock = new VirtualClock();
  const random = new Random(seed);
  const network = new MemoryNetwork({ clock, random: () => random.next(), ...options });
  const a = network.links('a', { wire });
  const b = network.links('b', { wire });
  const acceptor = new Acceptor();
  await b.listen(AT_B, acceptor.accept, fail);
  const here = dial(clock, a).link!;
  const there = acceptor.handlers[0]!;
  for (const end of [here, there]) {
    end.link.allowFrames(1024 * 1024);
    end.link.established();
  }
  return { clock, network, a, b, acceptor, here, there };
}

function dial(
  clock: VirtualClock,
  from: MemoryLinks,
  to = AT_B,
): { link?: RecordingHandler; failed?: string } {
  let result: { link?: RecordingHandler; failed?: string } = {};
  from.dial(to, 1000, {
    opened: (link) => (result = { link: new RecordingHandler(link) }).link,
    failed: (failed) => (result = { failed }),
  });
  clock.runFor(1000);
  return result;
}

function large(seq: number): Frame {
  return {
    ...EXAMPLES.data,
    seq,
    first: true,
    last: true,
    totalBytes: 65_536,
    chunk: new Uint8Array(65_536),
  };
}

function fail(cause: unknown): void {
  throw cause;
}
