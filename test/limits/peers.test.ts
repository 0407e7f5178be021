import { afterEach, describe, expect, it } from '@jest/globals';
import { DeliveryUncertainError } from '../../src/errors.js';
import { swimCodec } from '../../src/membership/swim/codec.js';
import { DIGEST_VERSION } from '../../src/membership/swim/messages.js';
import { encodeFrame } from '../../src/transport/session/codec.js';
import { until } from '../support/until.js';
import { TcpCluster, closedFor, type Stranger, type TcpNode } from './tcp-cluster.js';

const KiB = 1024;

let cluster = new TcpCluster();

afterEach(async () => {
  await cluster.close();
  cluster = new TcpCluster();
});

/** Messages pass, nobody is suspected, and of each reason there is one line. */
async function expectUndisturbed(nodes: readonly TcpNode[]): Promise<void> {
  const [first] = nodes;
  let got = 0;
  for (const { node } of nodes.slice(1)) {
    const remove = node.onMessage('still there', () => void got++);
    await first!.node.emit(node.local.id, 'still there', 1);
    remove();
  }
  expect(got).toBe(nodes.length - 1);
  for (const { node } of nodes)
    expect(node.activeMembers.map(({ state }) => state)).toEqual(nodes.map(() => 'alive'));
}

/** A message of a type that nobody knows yet, which is passed over: a tuple of its type and bytes. */
function ofFutureVersion(bytes: number): Uint8Array {
  const body = new Uint8Array(bytes);
  const rest = bytes - 7;
  body.set([0x92, 99, 0xc6, rest >>> 24, (rest >> 16) & 255, (rest >> 8) & 255, rest & 255]);
  return body;
}

function linesOf({ warnings }: TcpNode, word: string): number {
  return warnings.filter((line) => line.includes(`(${word})`)).length;
}

describe('strangers over a limit are closed, counted and logged, and members are undisturbed', () => {
  it('limits.unauthenticatedPerAddress: those of one IP address, others are let in', async () => {
    const nodes = [
      await cluster.start({ unauthenticatedPerAddress: 3, handshakeMs: 60_000 }),
      await cluster.start(),
    ];
    const [victim] = nodes as [TcpNode];
    const quiet = await Promise.all([1, 2, 3].map(() => cluster.stranger(victim)));
    const refused = await Promise.all([1, 2].map(() => cluster.stranger(victim)));
    await until('all are refused', () => refused.every(({ isClosed }) => isClosed));
    expect([closedFor(victim, 'too-many-from-address'), linesOf(victim, 'too-many-from-address')]).toEqual([
      2, 1,
    ]);
    const other = await cluster.stranger(victim, '127.0.0.2');
    await expectUndisturbed([nodes[0]!, nodes[1]!]);
    expect([...quiet, other].map(({ isClosed }) => isClosed)).toEqual([false, false, false, false]);
  });

  it('limits.unauthenticatedConnections: of all addresses together', async () => {
    const limits = { unauthenticatedConnections: 3, unauthenticatedPerAddress: 2, handshakeMs: 60_000 };
    const nodes = [await cluster.start(limits), await cluster.start()];
    const [victim] = nodes as [TcpNode];
    const from = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
    const strangers: Stranger[] = [];
    for (const address of from) strangers.push(await cluster.stranger(victim, address));
    await until('the fourth is closed', () => strangers[3]!.isClosed);
    expect(strangers.map(({ isClosed }) => isClosed)).toEqual([false, false, false, true]);
    const word = 'too-many-unauthenticated';
    expect([closedFor(victim, word), linesOf(victim, word)]).toEqual([1, 1]);
    await expectUndisturbed(nodes);
  });

  it('limits.connections: of members and strangers together', async () => {
    const limits = { connections: 6, unauthenticatedConnections: 6, handshakeMs: 60_000 };
    const nodes = [await cluster.start(limits), await cluster.start()];
    const [victim, friend] = nodes as [TcpNode, TcpNode];
    // Both lanes are open before it is full.
    await expectUndisturbed([friend, victim]);
    const strangers: Stranger[] = [];
    for (let i = 0; i < 6; i++) strangers.push(await cluster.stranger(victim));
    const word = 'too-many-connections';
    await until('the last is closed', () => strangers.at(-1)!.isClosed);
    const closed = strangers.filter(({ isClosed }) => isClosed).length;
    expect(closedFor(victim, word)).toBe(closed);
    expect(linesOf(victim, word)).toBe(1);
    expect(victim.node.stats.transport!.sockets).toBeLessThanOrEqual(6);
    await expectUndisturbed(nodes);
  });

  it('limits.handshakeMs: one that says nothing, and one that says it too slowly', async () => {
    const nodes = [await cluster.start({ handshakeMs: 200 }), await cluster.start()];
    const [victim] = nodes as [TcpNode];
    const strangers = [await cluster.stranger(victim), await cluster.stranger(victim)];
    const hello = Buffer.from([0x80, 0, 0, 0x10, 0]);
    for (let i = 0; i < 100 && !strangers[1]!.isClosed; i++) {
      strangers[1]!.socket.write(hello.subarray(i % 5, (i % 5) + 1));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until('all strangers are closed', () => strangers.every(({ isClosed }) => isClosed));
    for (const { lastedMs } of strangers) expect(lastedMs).toBeGreaterThan(150);
    expect([closedFor(victim, 'handshake-timeout'), linesOf(victim, 'handshake-timeout')]).toEqual([2, 1]);
    await expectUndisturbed(nodes);
  });

  it('a handshake in a frame over 16 KiB, whatever the limits say', async () => {
    const nodes = [await cluster.start({ protocolFrameBytes: 1024 * KiB }), await cluster.start()];
    const [victim] = nodes as [TcpNode];
    const stranger = await cluster.stranger(victim);
    stranger.socket.write(Buffer.from([0x80, 0, 0, 0x40, 1]));
    await until('the stranger is closed', () => stranger.isClosed);
    expect([closedFor(victim, 'frame-too-long'), linesOf(victim, 'frame-too-long')]).toEqual([1, 1]);
    await expectUndisturbed(nodes);
  });

  it('a flood of them gives one line, and an exact count', async () => {
    const nodes = [
      await cluster.start({ unauthenticatedPerAddress: 2, handshakeMs: 60_000 }),
      await cluster.start(),
    ];
    const [victim] = nodes as [TcpNode];
    await Promise.all([1, 2].map(() => cluster.stranger(victim)));
    const before = victim.warnings.length;
    const flood: Stranger[] = [];
    for (let i = 0; i < 10; i++)
      flood.push(...(await Promise.all(new Array(50).fill(0).map(() => cluster.stranger(victim)))));
    await until('the flood is closed', () => flood.every(({ isClosed }) => isClosed));
    expect(closedFor(victim, 'too-many-from-address')).toBe(500);
    expect(victim.warnings.length - before).toBeLessThanOrEqual(2);
    await expectUndisturbed(nodes);
  });
});

describe('peers over a limit are cut off', () => {
  it('limits.protocolFrameBytes: a frame of the protocol that is too long', async () => {
    const nodes = [await cluster.start({ protocolFrameBytes: 64 * KiB }), await cluster.start()];
    const [victim] = nodes as [TcpNode];
    const impostor = await cluster.impostor(victim, 'protocol');
    impostor.send({ type: 'protocol', body: ofFutureVersion(64 * KiB) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(impostor.isClosed).toBe(false);
    impostor.send({ type: 'protocol', body: ofFutureVersion(64 * KiB + 1) });
    await until('the impostor is closed', () => impostor.isClosed);
    expect([closedFor(victim, 'frame-too-long'), linesOf(victim, 'frame-too-long')]).toEqual([1, 1]);
    await expectUndisturbed(nodes);
  });

  it('limits.chunkBytes: a member that cuts its payloads larger than this one reads them', async () => {
    const victim = await cluster.start({ chunkBytes: 8 * KiB });
    const other = await cluster.start({ routeMs: 500 });
    victim.node.onMessage('x', () => undefined);
    const large = new Uint8Array(100 * KiB);
    await expect(other.node.emit(victim.node.local.id, 'x', large)).rejects.toBeInstanceOf(
      DeliveryUncertainError,
    );
    expect(closedFor(victim, 'frame-too-long')).toBeGreaterThan(0);
    expect(linesOf(victim, 'frame-too-long')).toBe(1);
    await expectUndisturbed([other, victim]);
    // The other way round the frames are only shorter.
    other.node.onMessage('x', () => undefined);
    await victim.node.emit(other.node.local.id, 'x', large);
  });

  it('limits.bufferedBytes: a peer that asks and asks, and does not read the answers', async () => {
    const nodes = [await cluster.start({ bufferedBytes: 1024 * KiB }), await cluster.start()];
    const [victim] = nodes as [TcpNode];
    const digest = { version: DIGEST_VERSION, low: 0, high: 0, quiet: true };
    const ping = { type: 'ping', seq: 1, to: victim.node.local.id, digest, updates: [] } as const;
    const frame = encodeFrame({ type: 'protocol', body: swimCodec.encode(ping) });
    const many = Buffer.concat(new Array<Uint8Array>(1000).fill(frame));
    const impostor = await cluster.impostor(victim, 'protocol');
    impostor.socket.pause();
    // More than any kernel takes in the node's place.
    for (let i = 0; i < 5000 && !impostor.socket.destroyed; i++)
      await new Promise((resolve) => impostor.socket.write(many, resolve));
    // The writes fail at once from then on; the node counts when its own end has closed.
    await until('the write buffer is full', () => closedFor(victim, 'write-buffer') > 0);
    expect(victim.node.stats.transport!.closedFor).toEqual({ 'write-buffer': 1 });
    expect(linesOf(victim, 'write-buffer')).toBe(1);
    await expectUndisturbed(nodes);
  });
});
