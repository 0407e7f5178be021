import { describe, expect, it } from '@jest/globals';
import { createNodeId } from '../../../src/node-id.js';
import { EventLoop } from '../../../src/simulation/clock/event-loop.js';
import { Transports, type RecordedNode } from '../cluster-of-transports.js';

async function two(
  seed = 1,
  options = {},
): Promise<{ cluster: Transports; a: RecordedNode; b: RecordedNode }> {
  const cluster = new Transports(seed);
  return { cluster, a: await cluster.node('a', options), b: await cluster.node('b', options) };
}

function links(...nodes: RecordedNode[]): (readonly [number, number])[] {
  return nodes.map(({ transport: { stats } }) => [stats.protocolLinks, stats.payloadLinks] as const);
}

describe('crossing dials', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'end with one link per lane, and nothing is lost (seed %i)',
    async (seed) => {
      const cluster = new Transports(seed, { delay: { minMs: 0.1, maxMs: 30 } });
      const [a, b] = [await cluster.node('a'), await cluster.node('b')];
      const outcomes = [];
      const casts = [];
      for (const [from, to] of seed % 2 === 0
        ? [[a, b] as const, [b, a] as const]
        : [[b, a] as const, [a, b] as const]) {
        casts.push(from.cast(to, `from ${from.name}`));
        outcomes.push(from.send(to, `from ${from.name}`));
        await cluster.run(seed * 2);
      }
      await cluster.run(2000);
      expect(outcomes.map(({ state }) => state)).toEqual(['acknowledged', 'acknowledged']);
      expect([a.bodies, b.bodies]).toEqual([['from b'], ['from a']]);
      expect([a.texts, b.texts]).toEqual([['from b'], ['from a']]);
      expect(casts.map(({ unsent }) => unsent)).toEqual([0, 0]);
      expect(links(a, b)).toEqual([
        [1, 1],
        [1, 1],
      ]);
      expect([a.transport.stats.sockets, b.transport.stats.sockets]).toEqual([2, 2]);
      expect([a.reports, b.reports]).toEqual([['up b'], ['up a']]);
      await cluster.close(a, b);
      // What the network still carries arrives nowhere.
      await cluster.run(100);
      expect(cluster.clock.pending).toBe(0);
    },
  );

  it('still connect when the dial of the one that should win goes nowhere', async () => {
    const { cluster, a, b } = await two();
    cluster.network.rejectDials('a', 'b');
    a.cast(b, 'x');
    b.cast(a, 'y');
    await cluster.run(3000);
    expect(a.bodies).toEqual(['y']);
    expect(links(a, b)).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});

describe('a process that stands still for longer than a handshake may take', () => {
  async function withLoops(options = {}): Promise<{
    cluster: Transports;
    a: RecordedNode;
    b: RecordedNode;
    loops: Record<'a' | 'b', EventLoop>;
  }> {
    const cluster = new Transports(1, { delay: { minMs: 1, maxMs: 1 } });
    const loops = { a: new EventLoop(cluster.clock), b: new EventLoop(cluster.clock) };
    const [a, b] = [
      await cluster.node('a', { loop: loops.a, ...options }),
      await cluster.node('b', { loop: loops.b, ...options }),
    ];
    return { cluster, a, b, loops };
  }

  it('reads the end of the handshake that is here already, and the other side hears of no broken link', async () => {
    const { cluster, a, b, loops } = await withLoops();
    a.cast(b, 'x');
    // It has answered the hello.
    await cluster.run(3.5);
    loops.b.freeze();
    await cluster.run(1500);
    expect(a.reports).toEqual(['up b']);
    loops.b.thaw();
    await cluster.run(100);
    expect([a.reports, b.reports, b.bodies]).toEqual([['up b'], ['up a'], ['x']]);
  });

  it('takes up the connection that its own dial has got meanwhile', async () => {
    const { cluster, a, b, loops } = await withLoops({ deadlines: { handshakeMs: 5000 } });
    const cast = a.cast(b, 'x');
    loops.a.freeze();
    await cluster.run(1500);
    loops.a.thaw();
    await cluster.run(100);
    expect([a.reports, b.bodies, cast.unsent]).toEqual([['up b'], ['x'], 0]);
  });

  it('hears of a goodbye where the other side has given its handshake up meanwhile: nothing broke', async () => {
    const { cluster, a, b, loops } = await withLoops();
    a.cast(b, 'x');
    // Its hello is on its way.
    await cluster.run(2.5);
    loops.a.freeze();
    await cluster.run(1500);
    loops.a.thaw();
    await cluster.run(100);
    expect([a.reports, b.reports]).toEqual([['up b', 'goodbye b'], []]);
    a.cast(b, 'y');
    await cluster.run(100);
    expect([a.reports, b.bodies]).toEqual([['up b', 'goodbye b', 'up b'], ['y']]);
  });

  it('gives up what has not answered by then', async () => {
    const { cluster, a, b, loops } = await withLoops();
    cluster.network.cut('a', 'b');
    const cast = a.cast(b, 'x');
    loops.a.freeze();
    await cluster.run(1500);
    loops.a.thaw();
    await cluster.run(1);
    expect([a.reports, cast.unsent]).toEqual([['silent b'], 1]);
  });
});

describe('a fresh cast', () => {
  it('replaces the kept link on both sides', async () => {
    const { cluster, a, b } = await two();
    a.cast(b, 1);
    await cluster.run(50);
    a.cast(b, 2, 'fresh');
    await cluster.run(50);
    expect(b.bodies).toEqual([1, 2]);
    expect(links(a, b)[0]).toEqual([1, 0]);
    expect(links(a, b)[1]).toEqual([1, 0]);
    expect([a.reports, b.reports]).toEqual([
      ['up b', 'up b'],
      ['up a', 'up a'],
    ]);
    await cluster.run(2000);
    expect(a.transport.stats.sockets).toBe(1);
  });

  it('leaves the kept link alone when its dial is refused', async () => {
    const { cluster, a, b } = await two();
    a.cast(b, 1);
    await cluster.run(50);
    cluster.network.rejectDials('a', 'b');
    const fresh = a.cast(b, 2, 'fresh');
    await cluster.run(50);
    a.cast(b, 3);
    await cluster.run(50);
    expect(fresh.unsent).toBe(1);
    expect(a.reports).toEqual(['up b', 'refused b']);
    expect(b.bodies).toEqual([1, 3]);
  });
});

describe('a verify cast', () => {
  it('goes over a short link, and its answer comes back there', async () => {
    const cluster = new Transports();
    const answer: { a?: RecordedNode } = {};
    const b = await cluster.node('b', {
      host: { protocolMessage: (from) => b.transport.cast(from, 'answer') },
    });
    const a = (answer.a = await cluster.node('a'));
    a.cast(b, 'question', 'verify');
    await cluster.run(100);
    expect(a.bodies).toEqual(['answer']);
    expect(links(a, b)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    await cluster.run(5000);
    expect([a.transport.stats.sockets, a.reports]).toEqual([0, []]);
  });
});

describe('reports', () => {
  it('refused: nobody listens at an address where somebody did', async () => {
    const { cluster, a, b } = await two();
    cluster.network.crash('b');
    const cast = a.cast(b, 'x');
    await cluster.run(100);
    expect(a.reports).toEqual(['refused b']);
    expect(cast.unsent).toBe(1);
  });

  it('silent: nobody answers in time', async () => {
    const { cluster, a, b } = await two();
    cluster.network.blackHole('b');
    const cast = a.cast(b, 'x');
    await cluster.run(999);
    expect(a.reports).toEqual([]);
    await cluster.run(2);
    expect(a.reports).toEqual(['silent b']);
    expect(cast.unsent).toBe(1);
  });

  it('silent: the handshake stops half-way', async () => {
    const { cluster, a, b } = await two();
    const cast = a.cast(b, 'x');
    // The connection stands after 1 ms; the hello is on its way.
    await cluster.run(1.2);
    cluster.network.cut('a', 'b');
    await cluster.run(1001);
    expect(a.reports).toEqual(['silent b']);
    expect(cast.unsent).toBe(1);
    expect(b.transport.stats.closedFor).toEqual({ 'handshake-timeout': 1 });
  });

  it('replaced: another node answers our own dial', async () => {
    const { cluster, a, b } = await two();
    const c = await cluster.node('c');
    a.transport.cast({ address: c.address, id: b.id }, 'x');
    await cluster.run(100);
    expect(a.reports).toEqual(['replaced b c']);
    expect([c.bodies, c.reports]).toEqual([[], []]);
    expect(a.transport.stats.sockets).toBe(0);
  });

  it('closed: an established link ends without a goodbye; goodbye: with one', async () => {
    const { cluster, a, b } = await two();
    a.cast(b, 'x');
    await cluster.run(100);
    cluster.network.breakLinks('a', 'b');
    await cluster.run(100);
    expect([a.reports, b.reports]).toEqual([
      ['up b', 'closed b'],
      ['up a', 'closed a'],
    ]);
    a.cast(b, 'y');
    await cluster.run(100);
    await cluster.close(b);
    await cluster.run(100);
    expect(a.reports.slice(2)).toEqual(['up b', 'goodbye b']);
  });
});

describe('a handshake', () => {
  it('is refused with a line on both sides when the cluster names differ', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { clusterName: 'red' });
    const b = await cluster.node('b', { clusterName: 'blue' });
    const sent = a.send(b, 'x');
    a.cast(b, 'x');
    await cluster.run(100);
    expect(sent.state).toBe('NotDeliveredError');
    expect(a.reports).toContain('silent b');
    expect(a.warnings.join()).toMatch(/dialled node belongs to "blue", the dialling one to "red"/);
    expect(b.warnings.join()).toMatch(/dialled node belongs to "blue", the dialling one to "red"/);
    expect(a.warnings).toHaveLength(1);
    expect(a.transport.stats.closedFor).toEqual({ 'cluster-name': 2 });
    expect(b.transport.stats.closedFor).toEqual({ 'cluster-name': 2 });
  });

  it('is refused when no version is common, and agrees on the newest that is', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { versions: { min: 1, max: 2 } });
    const b = await cluster.node('b', { versions: { min: 3, max: 4 } });
    const c = await cluster.node('c', { versions: { min: 2, max: 3 } });
    const sent = [a.send(b, 'x'), a.send(c, 'x'), c.send(b, 'x')];
    await cluster.run(100);
    expect(sent.map(({ state }) => state)).toEqual(['NotDeliveredError', 'acknowledged', 'acknowledged']);
    expect(a.warnings.join()).toMatch(/the dialled node speaks 3–4, the dialling one 1–2/);
    expect(b.warnings.join()).toMatch(/the dialled node speaks 3–4, the dialling one 1–2/);
  });

  it('with another serializer is refused on the payload lane only', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { serializer: 'json' });
    const b = await cluster.node('b', { serializer: 'msgpack' });
    a.cast(b, 'x');
    const sent = a.send(b, 'x');
    await cluster.run(100);
    expect(b.bodies).toEqual(['x']);
    expect(sent.error?.message).toMatch(/serializer/);
  });

  it('with oneself is silence', async () => {
    const { cluster, a } = await two();
    a.transport.cast({ address: a.address, id: undefined }, 'x');
    await cluster.run(100);
    expect([a.reports, a.bodies, a.warnings]).toEqual([[`silent ${a.address.port}`], [], []]);
  });

  it('tells the newer of two endpoints that its id is taken', async () => {
    const cluster = new Transports();
    const id = createNodeId(1, new Uint8Array(10));
    const a = await cluster.node('a', { id });
    const b = await cluster.node('b');
    const twin = await cluster.node('twin', { id });
    a.cast(b, 'x');
    await cluster.run(50);
    twin.cast(b, 'y');
    twin.transport.cast({ address: a.address, id: undefined }, 'z');
    await cluster.run(50);
    expect(b.bodies).toEqual(['x']);
    expect(twin.reports.filter((report) => report === 'duplicate-id')).toHaveLength(2);
    expect(a.reports).toEqual(['up b']);
    expect(b.transport.stats.closedFor).toEqual({ 'duplicate-id': 1 });
  });

  it('adopts whoever answers where only the address is known', async () => {
    const { cluster, a, b } = await two();
    const somebody = { address: b.address, id: undefined };
    a.transport.cast(somebody, 'x');
    const sent = cluster.watch(a.transport.send(somebody, new Uint8Array([1])));
    await cluster.run(100);
    a.cast(b, 'y');
    a.transport.cast(somebody, 'z');
    await cluster.run(100);
    expect(b.bodies).toEqual(['x', 'y', 'z']);
    expect(sent.state).toBe('acknowledged');
    expect(a.reports).toEqual(['up b']);
    expect(a.transport.stats.protocolLinks).toBe(1);
  });

  it('tells peers the advertised address', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { advertise: { host: 'a.example', port: 99 } });
    const b = await cluster.node('b');
    a.cast(b, 'x');
    await cluster.run(100);
    expect(b.casts[0]!.from).toEqual({ id: a.id, address: { host: 'a.example', port: 99 } });
  });
});

describe('the pools', () => {
  it('evict a random idle protocol link with a goodbye when they are full', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { limits: { protocolLinks: 3, payloadLinks: 2 } });
    const others = await Promise.all([1, 2, 3, 4, 5].map((i) => cluster.node(`n${i}`)));
    const sent = [];
    for (const other of others) {
      a.cast(other, 'x');
      sent.push(a.send(other, 'x'));
      await cluster.run(100);
    }
    expect(links(a)).toEqual([[3, 2]]);
    expect(others.map(({ bodies }) => bodies)).toEqual(others.map(() => ['x']));
    expect(sent.every(({ state }) => state === 'acknowledged')).toBe(true);
    expect(others.filter(({ reports }) => reports.join().includes('goodbye'))).toHaveLength(2);
    expect(others.filter(({ reports }) => reports.join().includes('closed'))).toHaveLength(0);
    // The evicting node's protocol must not go on believing in open links to those two.
    expect(a.reports.filter((report) => report.includes('goodbye'))).toHaveLength(2);
  });

  it('close a payload link that has been idle, and nothing is lost with it', async () => {
    const { cluster, a, b } = await two(1, { deadlines: { idleMs: 5000 } });
    a.send(b, 'x');
    await cluster.run(4000);
    expect(links(a, b).map(([, payload]) => payload)).toEqual([1, 1]);
    await cluster.run(3000);
    expect(links(a, b).map(([, payload]) => payload)).toEqual([0, 0]);
    const sent = a.send(b, 'y');
    await cluster.run(100);
    expect([sent.state, b.texts]).toEqual(['acknowledged', ['x', 'y']]);
    expect(a.reports).toEqual([]);
  });
});

describe('casts', () => {
  it('wait for their link up to a bound, and the rest is reported unsent', async () => {
    const { cluster, a, b } = await two();
    const casts = Array.from({ length: 70 }, (_, i) => a.cast(b, i));
    await cluster.run(100);
    expect(b.bodies).toHaveLength(64);
    expect(casts.map(({ unsent }) => unsent)).toEqual(casts.map((_, i) => (i < 64 ? 0 : 1)));
  });

  it('that were not handed to the kernel are unsent when their link is dropped', async () => {
    const { cluster, a, b } = await two();
    a.cast(b, 0);
    await cluster.run(50);
    cluster.network.cut('a', 'b');
    const large = Array.from({ length: 40 }, () => a.cast(b, new Uint8Array(16 * 1024)));
    a.transport.forget(b.id, 'unreachable');
    await cluster.run(10);
    const unsent = large.map((cast) => cast.unsent);
    expect(unsent[0]).toBe(0);
    expect(unsent.at(-1)).toBe(1);
  });
});
