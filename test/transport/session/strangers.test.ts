import { describe, expect, it } from '@jest/globals';
import { createNodeId } from '../../../src/node-id.js';
import type { PeerLink } from '../../../src/transport/session/peer-link.js';
import { Transports } from '../cluster-of-transports.js';
import { Bench, FakeLink, HIGHER, hello, LOWER, OWN, welcome } from './fakes.js';
import { Impostor } from './impostor.js';

const OFFER = { epoch: 5, firstUnacked: 0 };
const READY = { type: 'ready', answer: { known: false, expected: 0 } } as const;
const THIEF = { host: '10.6.6.6', port: 6 };
const DUPLICATE = { type: 'refuse', reason: 'duplicate-id', detail: 'x' } as const;

/** Accepts links of so many peers that nobody knows, each with the frames that `speak` gives it. */
function visit(bench: Bench, count: number, speak: (link: PeerLink, id: typeof LOWER) => void): void {
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(10);
    new DataView(bytes.buffer).setUint32(0, i + 1);
    speak(bench.accepted(), createNodeId(7, bytes));
  }
}

describe('a refusal', () => {
  it('before any handshake is a violation, and says nothing about our id', () => {
    const bench = new Bench();
    const link = bench.accepted();
    link.frame(DUPLICATE);
    expect(link.state).toBe('ended');
    expect([bench.duplicates, bench.refusals]).toEqual([0, []]);
    expect(bench.endpoint.counters.closedFor).toEqual({ 'unexpected-frame': 1 });
  });

  it('of our welcome says nothing about our id either', () => {
    const bench = new Bench();
    const link = bench.accepted();
    link.frame(hello(LOWER));
    link.frame(DUPLICATE);
    expect([link.state, bench.duplicates]).toEqual(['ended', 0]);
  });

  it('of our own hello does', () => {
    const bench = new Bench();
    bench.openedTo(LOWER).frame(DUPLICATE);
    expect(bench.duplicates).toBe(1);
  });

  it('is told to both nodes, once for each handshake', async () => {
    const cluster = new Transports();
    const told: string[] = [];
    const host = (name: string) => ({
      refused: ({ address }: { address: { port: number } | undefined }, error: Error) =>
        void told.push(`${name} ${address!.port} ${error.name} ${/\((.*?)\)/.exec(error.message)![1]}`),
    });
    const a = await cluster.node('a', { clusterName: 'red', host: host('a') });
    const b = await cluster.node('b', { clusterName: 'blue', host: host('b') });
    a.cast(b, 'x');
    await cluster.run(100);
    expect(told).toEqual([
      `b ${a.address.port} HandshakeError cluster-name`,
      `a ${b.address.port} HandshakeError cluster-name`,
    ]);
    a.transport.cast({ address: a.address, id: undefined }, 'to myself');
    await cluster.run(100);
    expect(told).toHaveLength(2);
  });
});

describe('what a stranger leaves behind', () => {
  it.each([
    [
      'it asks who is there, and hangs up',
      (link: PeerLink, id: typeof LOWER) => {
        link.frame(hello(id, { purpose: 'verify' }));
        link.closed();
      },
    ],
    [
      'it gets a short link, and hangs up',
      (link: PeerLink, id: typeof LOWER) => {
        link.frame(hello(id, { purpose: 'verify' }));
        link.frame({ type: 'ready', answer: undefined });
        link.closed();
      },
    ],
    [
      'it introduces itself on the payload lane, and hangs up',
      (link: PeerLink, id: typeof LOWER) => {
        link.frame(hello(id, { purpose: 'payload', offer: OFFER }));
        link.closed();
      },
    ],
    [
      'it gets a session without credit, and hangs up',
      (link: PeerLink, id: typeof LOWER) => {
        link.frame(hello(id, { purpose: 'payload', offer: OFFER }));
        link.frame(READY);
        link.closed();
      },
    ],
  ])('nothing, when %s', (_, speak) => {
    const bench = new Bench();
    bench.introduction = 'wait';
    visit(bench, 100, speak);
    expect(bench.endpoint.peerCount).toBe(0);
  });

  it('a count of the handshakes that it gave up', () => {
    const bench = new Bench();
    visit(bench, 3, (link, id) => {
      link.frame(hello(id, { purpose: 'verify' }));
      link.closed();
    });
    expect(bench.endpoint.counters.closedFor).toEqual({ 'handshake-aborted': 3 });
  });

  it('nothing either, when we called it and it does not answer', () => {
    const bench = new Bench();
    bench.endpoint.cast({ id: LOWER, address: THIEF }, { body: 'x', unsent: undefined }, 'verify');
    bench.dials[0]!.failed('silent', undefined);
    expect(bench.endpoint.peerCount).toBe(0);
  });
});

describe('peers without credit', () => {
  it('are bounded: the oldest is closed', () => {
    const bench = new Bench();
    bench.introduction = 'wait';
    const links: PeerLink[] = [];
    visit(bench, 258, (link, id) => {
      link.frame(hello(id, { purpose: 'payload', offer: OFFER }));
      link.frame(READY);
      links.push(link);
    });
    expect(links.map(({ state }) => state)).toEqual(links.map((_, i) => (i < 2 ? 'ended' : 'established')));
    expect(bench.endpoint.counters.closedFor).toEqual({ limit: 2 });
  });

  it('that get it do not count any more', () => {
    const bench = new Bench();
    bench.introduction = 'wait';
    const links: PeerLink[] = [];
    visit(bench, 258, (link, id) => {
      link.frame(hello(id, { purpose: 'payload', offer: OFFER }));
      link.frame(READY);
      bench.endpoint.grant(id);
      links.push(link);
    });
    expect(links.filter(({ state }) => state === 'ended')).toEqual([]);
  });
});

describe('sessions of lost peers', () => {
  it('are kept, so many', () => {
    const bench = new Bench();
    const ids: (typeof LOWER)[] = [];
    visit(bench, 300, (link, id) => {
      link.frame(hello(id, { purpose: 'payload', offer: OFFER }));
      link.frame(READY);
      ids.push(id);
    });
    for (const id of ids) bench.endpoint.forget(id, 'unreachable');
    expect(bench.endpoint.peerCount).toBe(256);
    for (const id of ids) bench.endpoint.forget(id, 'left');
    expect(bench.endpoint.peerCount).toBe(0);
  });
});

describe('the address of a peer', () => {
  it.each(['protocol', 'verify', 'payload'] as const)(
    'is not changed by a %s hello in its name that is refused',
    (purpose) => {
      const bench = new Bench();
      bench.openedTo(LOWER).frame(welcome(LOWER));
      const peer = bench.dials[0]!.peer!;
      const thief = bench.accepted();
      thief.frame(hello(LOWER, { purpose, address: THIEF, offer: OFFER }));
      expect(thief.state).toBe('ended');
      expect(bench.endpoint.counters.closedFor).toEqual({ 'duplicate-id': 1 });
      expect(peer.address).not.toEqual(THIEF);
    },
  );

  it('is not changed by a hello while we dial it, before the handshake is complete', () => {
    const bench = new Bench();
    const { peer } = bench.openedTo(HIGHER);
    const before = peer!.address;
    const thief = bench.accepted();
    thief.frame(hello(HIGHER, { address: THIEF, purpose: 'payload', offer: OFFER }));
    expect(thief.state).toBe('welcome-sent');
    thief.closed();
    expect(peer!.address).toBe(before);
  });
});

describe('reset', () => {
  it('closes verify links, too', () => {
    const bench = new Bench();
    bench.endpoint.cast({ id: LOWER, address: THIEF }, { body: 'x', unsent: undefined }, 'verify');
    const dialled = bench.dials[0]!;
    dialled.opened(new FakeLink());
    dialled.frame(welcome(LOWER));
    const accepted = bench.accepted();
    accepted.frame(hello(LOWER, { purpose: 'verify', wanted: OWN }));
    accepted.frame({ type: 'ready', answer: undefined });
    expect([dialled.state, accepted.state]).toEqual(['established', 'established']);
    bench.endpoint.reset(LOWER);
    expect([dialled.state, accepted.state]).toEqual(['ended', 'ended']);
  });
});

describe('a flood of replies by a peer without credit', () => {
  it('reaches nobody', async () => {
    const cluster = new Transports();
    const b = await cluster.node('b', { host: { introduce: () => 'wait' } });
    const impostor = await Impostor.connect(cluster, b);
    for (let seq = 0; seq < 1000; seq++) impostor.data({ seq, free: true });
    await cluster.run(100);
    expect([impostor.isClosed, b.received.length]).toEqual([true, 0]);
    expect(b.transport.stats.closedFor).toEqual({ 'over-credit': 1 });
  });
});
