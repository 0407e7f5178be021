import { describe, expect, it } from '@jest/globals';
import { createNodeId } from '../../../src/node-id.js';
import { AbortFan } from '../../../src/transport/abort-fan.js';
import { PendingSend } from '../../../src/transport/pending-send.js';
import { OutgoingStream } from '../../../src/transport/session/outgoing-stream.js';
import type { IncomingMessage } from '../../../src/transport/transport.js';
import { Transports, type Outcome, type RecordedNode } from '../cluster-of-transports.js';
import { Impostor } from './impostor.js';

const MIB = 1024 * 1024;

async function two(options = {}): Promise<{ cluster: Transports; a: RecordedNode; b: RecordedNode }> {
  const cluster = new Transports();
  return { cluster, a: await cluster.node('a', options), b: await cluster.node('b', options) };
}

function counted(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of outcomes) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

describe('credit', () => {
  it('in messages holds the sender back until the reader takes them', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 8 } });
    b.takes = () => 'held';
    const sent = Array.from({ length: 20 }, (_, i) => a.send(b, `${i}`));
    await cluster.run(100);
    expect(counted(sent)).toEqual({ acknowledged: 8, pending: 12 });
    b.received[0]!.release();
    b.received[0]!.release();
    b.received[1]!.release();
    await cluster.run(100);
    expect(counted(sent)).toEqual({ acknowledged: 10, pending: 10 });
    b.takes = (message) => {
      message.release();
      return 'held';
    };
    for (const message of b.received) message.release();
    await cluster.run(100);
    expect(counted(sent)).toEqual({ acknowledged: 20 });
    expect(b.texts).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  });

  it('in bytes holds the sender back, too', async () => {
    const { cluster, a, b } = await two({ limits: { windowBytes: 1000 } });
    b.takes = () => 'held';
    const sent = Array.from({ length: 6 }, () => a.send(b, new Uint8Array(300)));
    await cluster.run(100);
    expect(counted(sent)).toEqual({ acknowledged: 3, pending: 3 });
    for (const message of [...b.received]) message.release();
    await cluster.run(100);
    expect(counted(sent)).toEqual({ acknowledged: 6 });
  });

  it('of one stream leaves the others free', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 1 } });
    b.takes = ({ stream }) => {
      if (stream === 2) b.received.at(-1)!.release();
      return 'held';
    };
    const slow = Array.from({ length: 3 }, () => a.send(b, 'slow', { stream: 1 }));
    const fast = Array.from({ length: 3 }, () => a.send(b, 'fast', { stream: 2 }));
    await cluster.run(100);
    expect([counted(slow), counted(fast)]).toEqual([{ acknowledged: 1, pending: 2 }, { acknowledged: 3 }]);
  });

  it('that was given back on a link that broke is told again', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 2 } });
    b.takes = () => 'held';
    const sent = Array.from({ length: 4 }, () => a.send(b, 'x'));
    await cluster.run(50);
    cluster.network.cutOneWay('b', 'a');
    for (const message of [...b.received]) message.release();
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    cluster.network.heal();
    await cluster.run(1000);
    expect(counted(sent)).toEqual({ acknowledged: 4 });
  });

  it('is not needed by replies: two nodes whose handlers await each other never block', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 2, windowBytes: 2000 } });
    const answered = { a: 0, b: 0 };
    for (const [node, other] of [
      [a, b],
      [b, a],
    ] as const) {
      // Kind 1 is a question, kind 2 its answer. A question is only released once a question of our own is answered.
      const open: IncomingMessage[] = [];
      node.takes = (message) => {
        if (message.kind === 2) {
          answered[node.name as 'a' | 'b']++;
          message.release();
          open.shift()?.release();
        } else {
          open.push(message);
          node.send(other, message.payload, { kind: 2, free: true });
        }
        return 'held';
      };
    }
    for (let i = 0; i < 50; i++) {
      a.send(b, new Uint8Array(300), { kind: 1 });
      b.send(a, new Uint8Array(300), { kind: 1 });
    }
    await cluster.run(5000);
    expect(answered).toEqual({ a: 50, b: 50 });
  });
});

describe('the send queue', () => {
  it('is bounded in messages', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 1, sendQueueMessages: 3 } });
    b.takes = () => 'held';
    a.send(b, 'held');
    await cluster.run(50);
    const sent = Array.from({ length: 5 }, () => a.send(b, 'x'));
    const reply = a.send(b, 'reply', { free: true });
    await cluster.run(50);
    expect(counted(sent)).toEqual({ pending: 3, SendQueueFullError: 2 });
    expect(reply.state).toBe('acknowledged');
  });

  it('is bounded in bytes, and one larger payload passes alone', async () => {
    const { cluster, a, b } = await two({ limits: { sendQueueBytes: 1000 } });
    const sent = [5000, 10].map((size) => a.send(b, new Uint8Array(size)));
    await cluster.run(100);
    expect(sent.map(({ state }) => state)).toEqual(['acknowledged', 'SendQueueFullError']);
  });
});

describe('a large payload', () => {
  it('of the largest size leaves room for others to its recipient', async () => {
    const { cluster, a, b } = await two();
    const large = a.send(b, new Uint8Array(64 * MIB));
    const small = a.send(b, 'small', { stream: 1 });
    await cluster.run(2000);
    expect([large.state, small.state]).toEqual(['acknowledged', 'acknowledged']);
    expect(b.received.map(({ stream }) => stream)).toEqual([1, 0]);
  });

  it('over the limit is refused at the door', async () => {
    const { cluster, a, b } = await two({ limits: { payloadBytes: 100 } });
    const sent = [
      a.send(b, new Uint8Array(101)),
      a.send(b, new Uint8Array(1), { meta: new Uint8Array(8193) }),
      a.send(b, new Uint8Array(1), { correlation: 2 ** 32 }),
    ];
    await cluster.run(0);
    expect(counted(sent)).toEqual({ PayloadTooLargeError: 2, InvalidOptionError: 1 });
  });

  it('over the window asks for a permit, and arrives whole', async () => {
    const { cluster, a, b } = await two();
    const payload = cluster.random.bytes(5 * MIB + 123);
    const sent = a.send(b, payload, {
      meta: new Uint8Array([1, 2]),
      kind: 9,
      stream: 255,
      correlation: 0xffff_ffff,
    });
    await cluster.run(1000);
    expect(sent.state).toBe('acknowledged');
    const message = b.received[0]!;
    const { kind, stream, correlation, meta } = message;
    expect([kind, stream, correlation, [...meta]]).toEqual([9, 255, 0xffff_ffff, [1, 2]]);
    expect(Buffer.compare(message.payload, payload)).toBe(0);
  });

  it('lets small messages of other streams pass between its chunks', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    const order: string[] = [];
    b.takes = (message) => {
      order.push(message.stream === 1 ? 'large' : 'small');
      message.release();
      return 'held';
    };
    const large = a.send(b, new Uint8Array(16 * MIB), { stream: 1 });
    await cluster.run(3);
    const small = a.send(b, 'small', { stream: 2 });
    await cluster.run(500);
    expect([large.state, small.state]).toEqual(['acknowledged', 'acknowledged']);
    expect(order).toEqual(['small', 'large']);
  });

  it('waits for the budget of the node, and resumes across a broken link', async () => {
    const { cluster, a, b } = await two({ limits: { reassemblyBytes: 8 * MIB } });
    const c = await cluster.node('c');
    b.takes = () => 'held';
    const sent = [a.send(b, new Uint8Array(5 * MIB)), c.send(b, new Uint8Array(5 * MIB))];
    await cluster.run(500);
    expect(counted(sent)).toEqual({ acknowledged: 1, pending: 1 });
    cluster.network.breakLinks('b', 'c');
    cluster.network.breakLinks('a', 'b');
    await cluster.run(500);
    expect(counted(sent)).toEqual({ acknowledged: 1, pending: 1 });
    b.received[0]!.release();
    await cluster.run(500);
    expect(counted(sent)).toEqual({ acknowledged: 2 });
  });

  it('as a reply does not wait for messages that wait for it', async () => {
    const { cluster, a, b } = await two({ limits: { reassemblyBytes: 8 * MIB } });
    a.takes = b.takes = () => 'held';
    const messages = [a.send(b, new Uint8Array(6 * MIB)), b.send(a, new Uint8Array(6 * MIB))];
    await cluster.run(500);
    const replies = [
      a.send(b, new Uint8Array(6 * MIB), { free: true }),
      b.send(a, new Uint8Array(6 * MIB), { free: true }),
    ];
    await cluster.run(500);
    expect(counted([...messages, ...replies])).toEqual({ acknowledged: 4 });
  });

  it('whose permit is not needed any more gives it back', async () => {
    const { cluster, a, b } = await two({ limits: { reassemblyBytes: 8 * MIB } });
    b.takes = () => 'held';
    const first = a.send(b, new Uint8Array(5 * MIB));
    await cluster.run(500);
    const controller = new AbortController();
    const aborted = a.send(b, new Uint8Array(6 * MIB), { signal: controller.signal });
    await cluster.run(50);
    controller.abort();
    const second = a.send(b, new Uint8Array(4 * MIB));
    const small = a.send(b, 'small');
    b.received[0]!.release();
    await cluster.run(500);
    expect(counted([first, aborted, second, small])).toEqual({ acknowledged: 3, NotDeliveredError: 1 });
  });
});

describe('a permit that was given back', () => {
  it('is given back again on the next link: that may not have been heard, and the room would be lost', () => {
    const stream = new OutgoingStream(0);
    const told: string[] = [];
    const permits = {
      ask: () => void told.push('ask'),
      takeBack: () => void told.push('take back'),
      starved: () => {},
    };
    const message = new PendingSend(new Uint8Array(90), {}, new AbortFan());
    stream.opened({ messages: 1, bytes: 100 });
    stream.push(message);
    stream.ready(permits);
    message.settle(undefined);
    stream.aborted(message);
    expect(stream.permitted({ type: 'permit', stream: 0, free: false, bytes: 90 })).toBe(false);
    stream.unlinked();
    stream.ready(permits);
    expect(told).toEqual(['ask', 'take back']);
  });
});

describe('a message that only its recipient finds too large', () => {
  const MIXED = { limits: { payloadBytes: MIB } };

  it.each([
    ['of one frame', MIXED.limits.payloadBytes / 8, 200 * 1024],
    ['within the window', MIB, 1.5 * MIB],
    ['with a permit', MIB, 6 * MIB],
  ])('%s rejects alone, and the session goes on', async (_, payloadBytes, size) => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('b', { limits: { payloadBytes } });
    const before = a.send(b, 'before');
    const sent = [a.send(b, new Uint8Array(size)), a.send(b, new Uint8Array(size), { free: true })];
    const after = a.send(b, 'after');
    await cluster.run(500);
    expect(counted([before, after])).toEqual({ acknowledged: 2 });
    expect(counted(sent)).toEqual({ PayloadTooLargeError: 2 });
    expect(sent[0]!.error!.message).toContain(`has ${size} bytes, the limit is ${payloadBytes}`);
    expect(b.texts).toEqual(['before', 'after']);
    expect(b.transport.stats.closedFor).toEqual({});
    const many = Array.from({ length: 5000 }, () => a.send(b, new Uint8Array(10)));
    await cluster.run(500);
    expect(counted(many)).toEqual({ acknowledged: 5000 });
  });

  it('stops after what was under way, and is told again on the next link', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('b', { limits: { payloadBytes: MIB } });
    a.send(b, 'first');
    await cluster.run(50);
    const bytesBefore = a.transport.stats.bytesOut;
    const sent = a.send(b, new Uint8Array(40 * MIB));
    await cluster.run(3);
    cluster.network.breakLinks('a', 'b');
    await cluster.run(1000);
    const next = a.send(b, 'next');
    await cluster.run(500);
    expect([sent.state, next.state]).toEqual(['PayloadTooLargeError', 'acknowledged']);
    expect(a.transport.stats.bytesOut - bytesBefore).toBeLessThan(20 * MIB);
  });
});

describe('the budget for large payloads', () => {
  const SMALL = { limits: { reassemblyBytes: 16 * MIB } };
  const permits = (impostor: Impostor): number =>
    impostor.frames.filter(({ type }) => type === 'permit').length;
  const ask = (impostor: Impostor, streams: number): void => {
    for (let stream = 0; stream < streams; stream++)
      impostor.send({ type: 'permit-request', stream, free: false, bytes: 4 * MIB });
  };

  it('is not taken by one peer: half of it, and others pass', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('b', SMALL);
    const impostor = await Impostor.connect(cluster, b);
    ask(impostor, 4);
    await cluster.run(50);
    expect(permits(impostor)).toBe(2);
    const sent = a.send(b, new Uint8Array(4 * MIB));
    await cluster.run(100);
    expect(sent.state).toBe('acknowledged');
  });

  it('gets back what a peer asked for that is gone', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('b', SMALL);
    for (let i = 0; i < 2; i++) {
      const impostor = await Impostor.connect(cluster, b);
      ask(impostor, 4);
      await cluster.run(50);
      impostor.leave();
    }
    const sent = a.send(b, new Uint8Array(5 * MIB));
    await cluster.run(1500);
    expect(sent.state).toBe('pending');
    await cluster.run(1000);
    expect(sent.state).toBe('acknowledged');
  });

  it('still has room for a payload whose first frame was lost with a link that was away for long', async () => {
    const cluster = new Transports();
    const b = await cluster.node('b', SMALL);
    const id = createNodeId(2, new Uint8Array(10));
    const impostor = await Impostor.connect(cluster, b, { id });
    ask(impostor, 1);
    await cluster.run(50);
    expect(permits(impostor)).toBe(1);
    impostor.leave();
    await cluster.run(10_000);
    // Both sides went to the epoch after the offered one.
    const again = await Impostor.connect(cluster, b, { id, epoch: 1 });
    const chunk = new Uint8Array(256 * 1024);
    for (let seq = 0; seq < 16; seq++) {
      again.data({ seq, first: seq === 0, last: seq === 15, totalBytes: seq === 0 ? 4 * MIB : 0, chunk });
    }
    await cluster.run(50);
    expect([again.isClosed, b.received.length]).toEqual([false, 1]);
  });
});

describe('a peer without credit', () => {
  it.each([
    ['a message', { seq: 0 }],
    ['a reply', { seq: 0, free: true }],
    ['a part of one', { seq: 0, free: true, last: false, totalBytes: 10 }],
    ['a permit', undefined],
  ])('is closed for %s, and nothing of it stays', async (_, fields) => {
    const cluster = new Transports();
    const b = await cluster.node('b', { host: { introduce: () => 'wait' } });
    const impostor = await Impostor.connect(cluster, b);
    if (fields === undefined) impostor.misbehave('asks for a permit over the limit');
    else impostor.data(fields);
    await cluster.run(50);
    expect(impostor.isClosed).toBe(true);
    expect(b.received).toEqual([]);
    expect(b.transport.stats.closedFor).toEqual({ 'over-credit': 1 });
  });
});

describe('a peer that breaks the rules', () => {
  it.each([
    ['sends without credit', 'over-credit', 2],
    ['skips a sequence number', 'sequence-gap', 0],
    ['sends a large payload without a permit', 'over-credit', 0],
    ['acknowledges what was never sent', 'sequence-gap', 0],
    ['sends a chunk of nothing', 'malformed-message', 0],
    ['says ready twice', 'unexpected-frame', 0],
  ])('%s: it is closed and counted', async (what, violation, taken) => {
    const cluster = new Transports();
    const b = await cluster.node('b', { limits: { windowMessages: 2 } });
    b.takes = () => 'held';
    const impostor = await Impostor.connect(cluster, b);
    impostor.misbehave(what);
    await cluster.run(50);
    expect(impostor.isClosed).toBe(true);
    expect(b.transport.stats.closedFor).toEqual({ [violation]: 1 });
    expect(b.warnings.join()).toContain(violation);
    expect(b.received).toHaveLength(taken);
    expect(b.transport.stats.sockets).toBe(0);
  });
});
