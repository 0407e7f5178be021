import { afterEach, describe, expect, it } from '@jest/globals';
import type { ClusterLimits } from '../../src/cluster/limits.js';
import type { ClusterNode } from '../../src/cluster/node.js';
import {
  ErrorsMissedError,
  InvalidMetadataError,
  NoReceiverError,
  NoRouteError,
  PayloadTooLargeError,
  SendQueueFullError,
  SerializationError,
} from '../../src/errors.js';
import { MembershipGap } from '../../src/membership/membership.js';
import { VirtualCluster } from '../support/virtual-cluster.js';

const KiB = 1024;
const MiB = 1024 * KiB;

let cluster = new VirtualCluster();

afterEach(async () => {
  await cluster.close();
  cluster = new VirtualCluster();
});

/** Two members, a with these limits. */
async function two(
  limits: Partial<ClusterLimits>,
  limitsOfB: Partial<ClusterLimits> = {},
): Promise<[a: ClusterNode, b: ClusterNode]> {
  const a = cluster.node('a', { limits });
  const b = cluster.node('b', { limits: limitsOfB });
  await cluster.start();
  return [a, b];
}

/** Handlers of b that end when they are told to. */
function slow(b: ClusterNode, pattern = 'slow') {
  const running: (() => void)[] = [];
  b.onMessage(pattern, () => new Promise<void>((done) => void running.push(done)));
  return running;
}

/** What has become of calls by now. */
function watch(calls: readonly Promise<unknown>[]): string[] {
  const states = calls.map(() => 'waits');
  for (const [i, call] of calls.entries())
    call.then(
      () => (states[i] = 'arrived'),
      (error: Error) => (states[i] = error.name),
    );
  return states;
}

function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

describe('a caller over a limit gets an error that names it', () => {
  it('limits.payloadBytes: of the sender, or of the recipient, and the next message arrives', async () => {
    const [a, b] = await two({ payloadBytes: 10_000 }, { payloadBytes: 5000 });
    const got: number[] = [];
    b.onMessage(undefined, (bytes) => void got.push(bytes.length));
    const sent = watch([10_001, 5001, 5000].map((bytes) => a.send(b.local, new Uint8Array(bytes))));
    await cluster.until(() => !sent.includes('waits'));
    expect(sent).toEqual(['PayloadTooLargeError', 'PayloadTooLargeError', 'arrived']);
    expect(got).toEqual([5000]);
    await expect(a.send(b.local, new Uint8Array(10_001))).rejects.toThrow(/limits\.payloadBytes/);
    await expect(a.send(b.local, new Uint8Array(10_001))).rejects.toBeInstanceOf(PayloadTooLargeError);
  });

  it('limits.metadataBytes: at the start and later, and what was there stays', async () => {
    const [a, b] = await two({ metadataBytes: 100 });
    await a.updateMetadata({ zone: 'north' });
    await expect(a.updateMetadata({ more: 'x'.repeat(100) })).rejects.toBeInstanceOf(InvalidMetadataError);
    expect(a.local.metadata).toEqual({ zone: 'north' });
    await cluster.until(() => b.member(a.local.id)?.metadata['zone'] === 'north');
    expect(() =>
      cluster.node('c', { limits: { metadataBytes: 10 }, metadata: { zone: 'far north' } }),
    ).toThrow(InvalidMetadataError);
  });

  it('limits.valueDepth and limits.values: nothing is sent', async () => {
    const [a, b] = await two({ valueDepth: 5, values: 100 });
    const got: unknown[] = [];
    b.onMessage('x', (data) => void got.push(data));
    const refused = [nested(6), new Array(100).fill(0), Object.fromEntries(new Array(50).fill(0).entries())];
    for (const value of refused)
      await expect(a.emit(b.local, 'x', value)).rejects.toBeInstanceOf(SerializationError);
    await expect(a.emit(b.local, 'x', nested(6))).rejects.toThrow(/limits\.valueDepth/);
    await expect(a.emit(b.local, 'x', new Array(100).fill(0))).rejects.toThrow(/limits\.values/);
    const fits = [nested(5), new Array(99).fill(0), Object.fromEntries(new Array(49).fill(0).entries())];
    for (const value of fits) await cluster.run(a.emit(b.local, 'x', value));
    expect(got).toEqual(fits);
  });

  it('limits.requestsInFlight: until one of them is answered', async () => {
    const [a, b] = await two({ requestsInFlight: 2 });
    const answers: ((value: unknown) => void)[] = [];
    b.onRequest('ask', () => new Promise((answer) => answers.push(answer)));
    const asked = [1, 2].map(() => a.request(b.local, 'ask', 0));
    const refused = a.request(b.local, 'ask', 0);
    await expect(refused).rejects.toBeInstanceOf(SendQueueFullError);
    await expect(refused).rejects.toThrow(/limits\.requestsInFlight/);
    await cluster.until(() => answers.length === 2);
    answers[0]!('yes');
    expect(await cluster.run(asked[0]!)).toBe('yes');
    const third = a.request(b.local, 'ask', 0);
    await cluster.until(() => answers.length === 3);
    for (const answer of answers) answer('late');
    expect(await cluster.run(Promise.all([asked[1], third]))).toEqual(['late', 'late']);
  });

  it.each([
    ['limits.sendQueueMessages', { sendQueueMessages: 3, windowMessages: 1 }, 10],
    ['limits.sendQueueBytes', { sendQueueBytes: 3000, windowMessages: 1 }, 1000],
  ])('%s: for one recipient, and others are undisturbed', async (name, limits, bytes) => {
    const [a, b] = await two(limits, { windowMessages: 1, handlerConcurrency: 1 });
    const c = cluster.node('c');
    await cluster.run(c.start());
    await cluster.until(() => a.activeMembers.length === 3);
    const running: (() => void)[] = [];
    b.onMessage(undefined, () => new Promise<void>((done) => void running.push(done)));
    c.onMessage(undefined, () => undefined);
    const first = a.send(b.local, new Uint8Array(bytes));
    await cluster.run(first);
    const sent = watch([1, 2, 3, 4].map(() => a.send(b.local, new Uint8Array(bytes - 10))));
    await cluster.advance(100);
    expect(sent).toEqual(['waits', 'waits', 'waits', 'SendQueueFullError']);
    await expect(a.send(b.local, new Uint8Array(bytes))).rejects.toThrow(name);
    await cluster.run(a.send(c.local, new Uint8Array(bytes)));
    for (let i = 0; i < 4; i++) {
      await cluster.until(() => running.length > 0);
      running.shift()!();
    }
    await cluster.until(() => sent.slice(0, 3).every((state) => state === 'arrived'));
  });

  it('limits.routeMs: the recipient cannot be dialled for so long', async () => {
    const [a, b] = await two({ routeMs: 1000 });
    cluster.answerDials('b', 'drop');
    const startedMs = cluster.nowMs;
    const refused = a.send(b.local, new Uint8Array(1));
    await expect(cluster.run(refused)).rejects.toBeInstanceOf(NoRouteError);
    expect(cluster.nowMs - startedMs).toBeLessThan(3500);
    expect(b.local.state).toBe('alive');
  });

  it('limits.eventBuffer: a reader that is behind gets a gap with the view, and all that follows', async () => {
    const [a] = await two({ eventBuffer: 3 });
    const reader = a.membershipEvents[Symbol.asyncIterator]();
    for (let round = 0; round < 5; round++) {
      await a.updateMetadata({ round });
      await cluster.advance(500);
    }
    const { value: gap } = await reader.next();
    expect(gap).toBeInstanceOf(MembershipGap);
    expect(gap).toMatchObject({ missed: 5, view: a.activeMembers });
    await a.updateMetadata({ round: 6 });
    expect((await cluster.run(reader.next())).value).toMatchObject({ type: 'updated' });
    await reader.return?.();
  });
});

describe('readers of errors', () => {
  it('that are 256 errors behind get one that says how many they missed', async () => {
    const [a, b] = await two({});
    const reader = b.errors[Symbol.asyncIterator]();
    b.onMessage('x', () => {
      throw new TypeError('defect');
    });
    for (let i = 0; i < 300; i++) await cluster.run(a.emit(b.local, 'x', i));
    const { value } = await reader.next();
    expect(value).toBeInstanceOf(ErrorsMissedError);
    expect((value as Error).message).toContain('300');
    await reader.return?.();
  });
});

describe('what goes on at a limit waits, and is lost nowhere', () => {
  it('limits.handlerConcurrency: further messages of that pattern wait for a handler', async () => {
    const [a, b] = await two({}, { handlerConcurrency: 2 });
    const running = slow(b);
    const other: unknown[] = [];
    b.onMessage('other', (data) => void other.push(data));
    for (let i = 0; i < 5; i++) await cluster.run(a.emit(b.local, 'slow', i));
    await cluster.run(a.emit(b.local, 'other', 1));
    expect([running.length, b.stats.handlersRunning, b.stats.handlersWaiting, other]).toEqual([2, 2, 3, [1]]);
    for (let i = 0; i < 5; i++) {
      running[i]!();
      await cluster.advance(10);
    }
    expect(b.stats.handlersRunning).toBe(0);
  });

  it.each([
    ['limits.windowMessages', { windowMessages: 2 }, 10],
    ['limits.windowBytes', { windowBytes: 400 * KiB }, 190 * KiB],
  ])('%s: the sender waits until messages are taken', async (_, limits, bytes) => {
    const [a, b] = await two({}, { ...limits, handlerConcurrency: 1 });
    const running = slow(b);
    const sent = watch([1, 2, 3, 4].map(() => a.emit(b.local, 'slow', new Uint8Array(bytes))));
    await cluster.advance(1000);
    expect(sent).toEqual(['arrived', 'arrived', 'waits', 'waits']);
    for (let i = 0; i < 4; i++) {
      await cluster.until(() => running.length > i);
      running[i]!();
      await cluster.advance(100);
    }
    expect(sent).toEqual(['arrived', 'arrived', 'arrived', 'arrived']);
  });

  it('limits.reassemblyBytes: large payloads wait until others are handled, and small ones pass', async () => {
    const [a, b] = await two({}, { reassemblyBytes: 8 * MiB });
    const running = slow(b);
    const sent = watch([1, 2, 3].map(() => a.emit(b.local, 'slow', new Uint8Array(4 * MiB))));
    b.onMessage('small', () => undefined);
    await cluster.advance(1000);
    expect(sent).toEqual(['arrived', 'waits', 'waits']);
    await cluster.run(a.emit(b.local, 'small', 1));
    for (let i = 0; i < 3; i++) {
      await cluster.until(() => running.length > i);
      running[i]!();
    }
    await cluster.until(() => sent.every((state) => state === 'arrived'));
  });

  it('limits.chunkBytes: larger payloads go in several frames', async () => {
    const chunkBytes = 4 * KiB;
    const [a, b] = await two({ chunkBytes }, { chunkBytes });
    let got: unknown;
    b.onMessage('x', (data) => void (got = data));
    const bytes = Uint8Array.from({ length: 100_001 }, (_, i) => i);
    await cluster.run(a.emit(b.local, 'x', bytes));
    expect(Buffer.compare(got as Uint8Array, bytes)).toBe(0);
    expect(b.stats.transport!.closedFor).toEqual({});
  });

  it('limits.protocolLinks and limits.payloadLinks: idle connections are closed, and nobody is missed', async () => {
    const limits = { protocolLinks: 2, payloadLinks: 1 };
    const names = ['a', 'b', 'c', 'd', 'e'];
    const nodes = names.map((name) => cluster.node(name, { limits }));
    await cluster.start();
    const got = nodes.map(() => 0);
    for (const [i, node] of nodes.entries()) node.onMessage('x', () => void got[i]!++);
    for (let round = 0; round < 3; round++) {
      for (const node of nodes) await cluster.run(node.emitAll('x', round));
      await cluster.advance(5000);
    }
    expect(got).toEqual([12, 12, 12, 12, 12]);
    for (const { stats, activeMembers } of nodes) {
      expect(stats.transport!.protocolLinks).toBeLessThanOrEqual(2);
      expect(stats.transport!.payloadLinks).toBeLessThanOrEqual(1);
      expect(activeMembers.map(({ state }) => state)).toEqual(names.map(() => 'alive'));
    }
  });

  it('limits.idleMs: a payload connection without traffic is closed, and the next message makes another', async () => {
    const [a, b] = await two({ idleMs: 5000 }, { idleMs: 5000 });
    b.onMessage('x', () => undefined);
    await cluster.run(a.emit(b.local, 'x', 1));
    expect(a.stats.transport!.payloadLinks).toBe(1);
    await cluster.advance(10_000);
    expect([a, b].map(({ stats }) => stats.transport!.payloadLinks)).toEqual([0, 0]);
    await cluster.run(a.emit(b.local, 'x', 2));
    expect(a.stats.transport!.payloadLinks).toBe(1);
  });
});

describe('what a peer with higher limits sends is counted, and others are undisturbed', () => {
  it('limits.valueDepth and limits.values: unreadable, for messages and requests', async () => {
    const [a, b] = await two({ values: 1000 }, { valueDepth: 5, values: 100 });
    const got: unknown[] = [];
    b.onMessage('x', (data) => void got.push(data));
    b.onRequest('ask', (data) => data);
    for (const value of [nested(6), new Array(100).fill(0)]) {
      await expect(cluster.run(a.emit(b.local, 'x', value))).rejects.toBeInstanceOf(NoReceiverError);
      await expect(cluster.run(a.request(b.local, 'ask', value))).rejects.toMatchObject({
        remoteCode: 'UNREADABLE',
      });
    }
    expect(b.stats).toMatchObject({ violations: { unreadable: 4 }, handlerErrors: 0 });
    expect(cluster.log('b').filter((line) => line.includes('cannot be read'))).toHaveLength(1);
    await cluster.run(a.emit(b.local, 'x', nested(5)));
    expect(got).toEqual([nested(5)]);
  });

  it('metadata of a member may be larger than limits.metadataBytes here: it is kept, up to 8 KiB', async () => {
    const [a, b] = await two({ metadataBytes: 8192 }, { metadataBytes: 10 });
    await a.updateMetadata({ text: 'x'.repeat(8000) });
    await cluster.until(() => b.member(a.local.id)?.metadata['text'] !== undefined);
  });
});
