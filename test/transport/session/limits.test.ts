import { describe, expect, it } from '@jest/globals';
import { createNodeId } from '../../../src/node-id.js';
import type { IncomingMessage } from '../../../src/transport/transport.js';
import { Transports } from '../cluster-of-transports.js';
import { Impostor } from './impostor.js';

const CHUNK_BYTES = 4096;

describe('a peer over a limit is cut off, counted and logged', () => {
  it('limits.heldReplies: it sends more replies than are taken', async () => {
    const cluster = new Transports();
    const victim = await cluster.node('victim', { limits: { heldReplies: 3 } });
    const held: IncomingMessage[] = [];
    victim.takes = (message) => {
      held.push(message);
      return 'held';
    };
    const impostor = await Impostor.connect(cluster, victim);
    for (let seq = 0; seq < 3; seq++) impostor.data({ seq, free: true });
    await cluster.run(10);
    held.shift()!.release();
    impostor.data({ seq: 3, free: true });
    await cluster.run(10);
    expect(impostor.isClosed).toBe(false);
    impostor.data({ seq: 4, free: true });
    await cluster.run(10);
    expect(impostor.isClosed).toBe(true);
    expect(victim.transport.stats.closedFor).toEqual({ 'over-credit': 1 });
    expect(victim.warnings).toHaveLength(1);
  });

  it('limits.ungrantedPeers: the oldest of those that are no members', async () => {
    const cluster = new Transports();
    const host = { introduce: () => 'wait' as const };
    const victim = await cluster.node('victim', { limits: { ungrantedPeers: 2 }, host });
    const impostors: Impostor[] = [];
    for (let i = 0; i < 4; i++) impostors.push(await Impostor.connect(cluster, victim));
    expect(impostors.map(({ isClosed }) => isClosed)).toEqual([true, true, false, false]);
    expect(victim.transport.stats.closedFor).toEqual({ limit: 2 });
    expect(victim.warnings).toHaveLength(1);
  });

  it('limits.protocolLinks: those that only ask who is there are closed early, a random one for each new one', async () => {
    const cluster = new Transports();
    const victim = await cluster.node('victim', { limits: { protocolLinks: 2 } });
    const member = await cluster.node('member');
    member.cast(victim, 'hello');
    const askers: Impostor[] = [];
    for (let i = 0; i < 6; i++) askers.push(await Impostor.connect(cluster, victim, { purpose: 'verify' }));
    expect(askers.filter(({ isClosed }) => isClosed)).toHaveLength(4);
    expect(askers.at(-1)!.isClosed).toBe(false);
    expect([victim.transport.stats.sockets, victim.transport.stats.protocolLinks]).toEqual([3, 1]);
    await cluster.run(10_000);
    expect(victim.transport.stats.sockets).toBe(1);
    // They leave their places empty.
    const later = [];
    for (let i = 0; i < 2; i++) later.push(await Impostor.connect(cluster, victim, { purpose: 'verify' }));
    expect(later.map(({ isClosed }) => isClosed)).toEqual([false, false]);
    member.cast(victim, 'still here');
    await cluster.run(100);
    expect(victim.bodies).toEqual(['hello', 'still here']);
  });

  it('limits.chunkBytes: a chunk longer than that', async () => {
    const cluster = new Transports();
    const victim = await cluster.node('victim', { limits: { chunkBytes: CHUNK_BYTES } });
    const part = { first: true, last: false, totalBytes: 2 * CHUNK_BYTES + 1 };
    const impostor = await Impostor.connect(cluster, victim);
    impostor.data({ ...part, chunk: new Uint8Array(CHUNK_BYTES) });
    await cluster.run(10);
    expect(impostor.isClosed).toBe(false);
    impostor.data({ seq: 1, first: false, last: false, chunk: new Uint8Array(CHUNK_BYTES + 1) });
    await cluster.run(10);
    expect(impostor.isClosed).toBe(true);
  });
});

describe('what goes over a limit of this side', () => {
  it('limits.castQueue: protocol messages for a peer without a connection are dropped, and that is told', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { limits: { castQueue: 3 } });
    const b = await cluster.node('b');
    const casts = [1, 2, 3, 4, 5].map((body) => a.cast(b, body));
    expect(casts.map(({ unsent }) => unsent)).toEqual([0, 0, 0, 0, 0]);
    await cluster.run(100);
    expect(casts.map(({ unsent }) => unsent)).toEqual([0, 0, 0, 1, 1]);
    expect(b.bodies).toEqual([1, 2, 3]);
  });

  it('limits.lostSessions: that of the member which was lost first is forgotten', async () => {
    const cluster = new Transports();
    const victim = await cluster.node('victim', { limits: { lostSessions: 1 } });
    const others = await Promise.all(['a', 'b'].map((name) => cluster.node(name)));
    for (const other of others) other.send(victim, 'x');
    await cluster.run(100);
    for (const { id } of others) victim.transport.forget(id, 'unreachable');
    await cluster.run(100);
    for (const other of others) other.send(victim, 'y');
    await cluster.run(5000);
    expect(others.map(({ transport }) => transport.counters.unknown)).toEqual([1, 0]);
  });

  it('limits.connectMs: a dial that nobody answers is given up, and counts as silence', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { deadlines: { connectMs: 300 } });
    const b = await cluster.node('b');
    cluster.network.answerDials('a', 'b', 'drop');
    const cast = a.cast(b, 'x');
    await cluster.run(290);
    expect([a.reports, cast.unsent]).toEqual([[], 0]);
    await cluster.run(20);
    expect([a.reports, cast.unsent]).toEqual([['silent b'], 1]);
  });

  it('limits.chunkBytes: a payload goes in frames of at most so many bytes', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { limits: { chunkBytes: CHUNK_BYTES } });
    const impostor = await Impostor.connect(cluster, a, { id: createNodeId(9, new Uint8Array(10)) });
    const peer = { id: createNodeId(9, new Uint8Array(10)), address: { host: '10.9.9.9', port: 9 } };
    void a.transport.send(peer, new Uint8Array(2 * CHUNK_BYTES + 1)).catch(() => undefined);
    await cluster.run(10);
    impostor.send({ type: 'credit', stream: 0, messages: 10, bytes: 100_000 });
    await cluster.run(10);
    const chunks = impostor.frames.flatMap((frame) => (frame.type === 'data' ? [frame.chunk.length] : []));
    expect(chunks).toEqual([CHUNK_BYTES, CHUNK_BYTES, 1]);
    await cluster.close(a);
  });
});
