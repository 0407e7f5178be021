import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from '../../../src/transport/transport.js';
import { Transports, type RecordedNode } from '../cluster-of-transports.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const REPLY = 2;

/** Two transports; b takes nothing until it is told to, replies aside. */
async function pair(limits = {}): Promise<{
  cluster: Transports;
  a: RecordedNode;
  b: RecordedNode;
  held: IncomingMessage[];
}> {
  const cluster = new Transports(5);
  const a = await cluster.node('a', { limits });
  const b = await cluster.node('b', { limits });
  const held: IncomingMessage[] = [];
  b.takes = (message) => {
    if (message.kind === REPLY) message.release();
    else held.push(message);
    return 'held';
  };
  return { cluster, a, b, held };
}

/** Each way in which a sender comes to begin a new epoch. */
const VERDICTS: [string, (a: RecordedNode, b: RecordedNode) => void][] = [
  ['the sender had given its recipient up', (a, b) => a.transport.forget(b.id, 'unreachable')],
  [
    'both had given each other up',
    (a, b) => {
      a.transport.forget(b.id, 'unreachable');
      b.transport.forget(a.id, 'unreachable');
    },
  ],
  ['the recipient had forgotten the sender', (a, b) => b.transport.forget(a.id, 'left')],
];

async function comesBack(
  { cluster, a, b }: { cluster: Transports; a: RecordedNode; b: RecordedNode },
  verdict: (a: RecordedNode, b: RecordedNode) => void,
): Promise<void> {
  verdict(a, b);
  await cluster.run(100);
  a.send(b, 'reply', { free: true, kind: REPLY });
  await cluster.run(3000);
}

async function releaseAll(cluster: Transports, held: IncomingMessage[]): Promise<void> {
  for (let round = 0; round < 20; round++) {
    for (const message of held.splice(0)) message.release();
    await cluster.run(100);
  }
}

async function expectEmptyBooks(cluster: Transports, a: RecordedNode, b: RecordedNode): Promise<void> {
  expect(a.transport.differences(b.transport)).toEqual([]);
  for (const { transport } of [a, b]) {
    expect(transport.audit({ isCalm: true })).toEqual([]);
    expect(transport.stats.closedFor).toEqual({});
  }
  await cluster.close(a, b);
}

describe.each(VERDICTS)('a new epoch, after %s,', (_, verdict) => {
  it('has credit for what is not held of older ones, and gets the rest as that is taken', async () => {
    const { cluster, a, b, held } = await pair({ windowMessages: 8 });
    for (let epoch = 0; epoch < 3; epoch++) {
      for (let i = 0; i < 3; i++) a.send(b, `${epoch}.${i}`, { stream: 7 });
      await cluster.run(100);
      expect(held.length).toBe([3, 6, 8][epoch]!);
      expect(b.transport.audit({ isCalm: false })).toEqual([]);
      await comesBack({ cluster, a, b }, verdict);
      expect(a.transport.differences(b.transport)).toEqual([]);
    }
    const sent = Array.from({ length: 20 }, () => a.send(b, 'x', { stream: 7 }));
    const other = Array.from({ length: 8 }, () => a.send(b, 'x', { stream: 8 }));
    await cluster.run(100);
    expect(held.filter(({ stream }) => stream === 7).length).toBe(8);
    expect(other.every(({ state }) => state === 'acknowledged')).toBe(true);

    for (const message of held.splice(0, 2)) message.release();
    await cluster.run(100);
    expect(held.filter(({ stream }) => stream === 7).length).toBe(8);

    await releaseAll(cluster, held);
    expect(sent.every(({ state }) => state === 'acknowledged')).toBe(true);
    await expectEmptyBooks(cluster, a, b);
  });

  it('counts the bytes of older ones, too', async () => {
    const { cluster, a, b, held } = await pair({ windowBytes: 1000 });
    for (let i = 0; i < 2; i++) a.send(b, new Uint8Array(300));
    await cluster.run(100);
    await comesBack({ cluster, a, b }, verdict);
    const sent = [300, 300, 300].map((size) => a.send(b, new Uint8Array(size)));
    await cluster.run(100);
    expect(held.length).toBe(3);
    await releaseAll(cluster, held);
    expect(sent.map(({ state }) => state)).toEqual(Array(3).fill('acknowledged'));
    await expectEmptyBooks(cluster, a, b);
  });

  it('finds the room taken that large payloads of older ones hold', async () => {
    const { cluster, a, b, held } = await pair({ reassemblyBytes: 20 * MIB });
    for (let i = 0; i < 2; i++) a.send(b, new Uint8Array(5 * MIB), { stream: i });
    await cluster.run(500);
    expect(held.length).toBe(2);
    await comesBack({ cluster, a, b }, verdict);
    const sent = a.send(b, new Uint8Array(5 * MIB), { stream: 2 });
    await cluster.run(500);
    expect([held.length, sent.state]).toEqual([2, 'pending']);
    await releaseAll(cluster, held);
    expect(sent.state).toBe('acknowledged');
    await expectEmptyBooks(cluster, a, b);
  });

  it('takes replies while every stream is full', async () => {
    const { cluster, a, b, held } = await pair({ windowMessages: 1 });
    for (let stream = 0; stream < 256; stream++) a.send(b, 'x', { stream });
    await cluster.run(100);
    expect(held.length).toBe(256);
    await comesBack({ cluster, a, b }, verdict);
    const sent = Array.from({ length: 256 }, (_, stream) => a.send(b, 'y', { stream }));
    const reply = a.send(b, 'reply', { free: true, kind: REPLY, stream: 9 });
    cluster.network.breakLinks('a', 'b');
    await cluster.run(500);
    expect([held.length, reply.state]).toEqual([256, 'acknowledged']);
    await releaseAll(cluster, held);
    expect(sent.every(({ state }) => state === 'acknowledged')).toBe(true);
    await expectEmptyBooks(cluster, a, b);
  });

  it('gets back what a half-received payload of an older one had paid', async () => {
    const { cluster, a, b, held } = await pair({ windowBytes: 2 * MIB, windowMessages: 1 });
    a.send(b, 'before', { stream: 1 });
    await cluster.run(100);
    a.send(b, new Uint8Array(900 * KIB));
    await cluster.run(1);
    cluster.network.cut('a', 'b');
    verdict(a, b);
    await cluster.run(100);
    cluster.network.heal();
    await comesBack({ cluster, a, b }, () => {});
    const sent = a.send(b, new Uint8Array(900 * KIB));
    await releaseAll(cluster, held);
    expect(sent.state).toBe('acknowledged');
    await expectEmptyBooks(cluster, a, b);
  });
});

describe('what is held of an older epoch', () => {
  it('gives its credit to the new one also when that was said on a link that broke', async () => {
    const { cluster, a, b, held } = await pair({ windowMessages: 2 });
    for (let i = 0; i < 2; i++) a.send(b, 'old');
    await cluster.run(100);
    a.transport.forget(b.id, 'unreachable');
    await cluster.run(100);
    const sent = [a.send(b, 'new'), a.send(b, 'new')];
    await cluster.run(100);
    cluster.network.cutOneWay('b', 'a');
    for (const message of held.splice(0)) message.release();
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    cluster.network.heal();
    await cluster.run(1000);
    expect(sent.map(({ state }) => state)).toEqual(['acknowledged', 'acknowledged']);
    await releaseAll(cluster, held);
    await expectEmptyBooks(cluster, a, b);
  });

  it('is remembered of a peer that has left until the last of it was taken, and no longer', async () => {
    const { cluster, a, b, held } = await pair();
    for (let i = 0; i < 2; i++) a.send(b, 'old');
    await cluster.run(100);
    b.transport.forget(a.id, 'left');
    await cluster.run(100);
    expect(b.transport.peerCount).toBe(1);
    expect(b.transport.audit({ isCalm: true })).toEqual(['messages are held of 1 peers that are gone']);
    for (const message of held) message.release();
    expect(b.transport.peerCount).toBe(0);
    expect(b.transport.audit({ isCalm: true })).toEqual([]);
    await cluster.close(a, b);
  });
});
