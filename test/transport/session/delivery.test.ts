import { describe, expect, it } from '@jest/globals';
import { Transports, type Outcome, type RecordedNode } from '../cluster-of-transports.js';

const KIB = 1024;

async function two(options = {}): Promise<{ cluster: Transports; a: RecordedNode; b: RecordedNode }> {
  const cluster = new Transports();
  return { cluster, a: await cluster.node('a', options), b: await cluster.node('b', options) };
}

function states(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ state }) => state);
}

describe('a broken link', () => {
  it('loses and doubles nothing: the session resumes on the next one', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    const sent = ['one', 'two', 'three'].map((text) => a.send(b, text));
    cluster.network.breakLinks('a', 'b');
    await cluster.run(500);
    expect(states(sent)).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
    expect(b.texts).toEqual(['first', 'one', 'two', 'three']);
    expect(a.transport.stats.resumed).toBe(1);
  });

  it('that breaks between delivery and acknowledgement does not double', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.cutOneWay('b', 'a');
    const sent = a.send(b, 'second');
    await cluster.run(10);
    expect(b.texts).toEqual(['first', 'second']);
    expect(sent.state).toBe('pending');
    cluster.network.breakLinks('a', 'b');
    cluster.network.heal();
    await cluster.run(1000);
    expect(sent.state).toBe('acknowledged');
    expect(b.texts).toEqual(['first', 'second']);
  });

  it('keeps a reject that the sender may not have heard', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    b.takes = () => 'no-receiver';
    cluster.network.cutOneWay('b', 'a');
    const sent = a.send(b, 'second');
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    cluster.network.heal();
    await cluster.run(1000);
    expect(sent.state).toBe('NoReceiverError');
  });

  it('is given up when nobody can be dialled for the route time', async () => {
    const { cluster, a, b } = await two({ deadlines: { routeMs: 5000 } });
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.blackHole('b');
    const written = a.send(b, 'written');
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    await cluster.run(100);
    const unwritten = a.send(b, 'unwritten');
    await cluster.run(4000);
    expect(states([written, unwritten])).toEqual(['pending', 'pending']);
    await cluster.run(4000);
    expect(states([written, unwritten])).toEqual(['DeliveryUncertainError', 'NoRouteError']);
    cluster.network.restore('b');
    const later = a.send(b, 'later');
    await cluster.run(2000);
    expect(later.state).toBe('acknowledged');
    expect(b.texts).not.toContain('unwritten');
    expect(b.texts.at(-1)).toBe('later');
  });
});

describe('a payload link that is stuck', () => {
  it('is reset while the protocol lane answers', async () => {
    // As TCP after a cut: what was held back comes a minute after the network has healed.
    const cluster = new Transports(1, { healLagMs: 60_000 });
    const [a, b] = [await cluster.node('a'), await cluster.node('b')];
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.cut('a', 'b');
    const sent = a.send(b, 'second');
    await cluster.run(10);
    cluster.network.heal();
    await cluster.run(2000);
    expect(sent.state).toBe('pending');
    b.cast(a, 'I am here');
    await cluster.run(1000);
    expect(sent.state).toBe('acknowledged');
    expect(b.texts).toEqual(['first', 'second']);
    expect(a.transport.stats.closedFor).toEqual({ 'ack-timeout': 1 });
  });

  it('is dropped by reset, and the session goes on with a new one', async () => {
    const cluster = new Transports(1, { healLagMs: 60_000 });
    const [a, b] = [await cluster.node('a'), await cluster.node('b')];
    a.send(b, 'first');
    a.cast(b, 'kept');
    await cluster.run(50);
    cluster.network.cut('a', 'b');
    const sent = a.send(b, 'second');
    await cluster.run(10);
    cluster.network.heal();
    a.transport.reset(b.id);
    await cluster.run(500);
    expect(sent.state).toBe('acknowledged');
    expect(b.texts).toEqual(['first', 'second']);
    expect([a.transport.stats.protocolLinks, b.transport.stats.protocolLinks]).toEqual([0, 0]);
    expect(a.reports).toEqual(['up b']);
  });

  it('is left alone while nothing comes on the protocol lane either', async () => {
    const { cluster, a, b } = await two();
    a.cast(b, 0);
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.cut('a', 'b');
    const sent = a.send(b, 'second');
    await cluster.run(3000);
    expect([a.transport.stats.payloadLinks, sent.state]).toEqual([1, 'pending']);
    expect(a.transport.stats.closedFor).toEqual({});
  });
});

describe('a nobody', () => {
  it('where a send was refused several times is NoRouteError', async () => {
    const { cluster, a, b } = await two();
    cluster.network.crash('b');
    const sent = a.send(b, 'x');
    await cluster.run(1000);
    expect(sent.state).toBe('NoRouteError');
  });
});

describe('a receiver that alone has judged the sender unreachable', () => {
  const lose = async (introduce: () => 'grant' | 'wait') => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('b', { host: { introduce } });
    a.send(b, 'first', { stream: 3 });
    await cluster.run(50);
    cluster.network.cutOneWay('b', 'a');
    const taken = a.send(b, 'taken', { stream: 3 });
    await cluster.run(10);
    cluster.network.cut('a', 'b');
    const lost = [a.send(b, 'lost', { stream: 3 }), a.send(b, 'reply', { stream: 3, free: true })];
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    b.transport.forget(a.id, 'unreachable');
    cluster.network.heal();
    await cluster.run(3000);
    return { cluster, a, b, taken, lost };
  };

  it('takes nothing twice and calls nothing uncertain when the sender is back', async () => {
    const { b, taken, lost } = await lose(() => 'grant');
    expect(states([taken, ...lost])).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
    expect([...b.texts].sort()).toEqual(['first', 'lost', 'reply', 'taken']);
  });

  it('takes no more from it before it is granted anew', async () => {
    let word: 'grant' | 'wait' = 'grant';
    const { cluster, a, b, taken, lost } = await lose(() => {
      const said = word;
      word = 'wait';
      return said;
    });
    expect(states([taken, ...lost])).toEqual(['acknowledged', 'pending', 'pending']);
    const more = Array.from({ length: 5000 }, () => a.send(b, 'more', { stream: 3 }));
    await cluster.run(100);
    expect(b.texts).toEqual(['first', 'taken']);
    b.transport.grant(a.id);
    await cluster.run(500);
    expect(new Set(states([...lost, ...more]))).toEqual(new Set(['acknowledged']));
    expect(b.texts).toHaveLength(5004);
    expect(b.transport.stats.closedFor['over-credit']).toBeUndefined();
  });
});

describe('a receiver that has forgotten the session', () => {
  it('makes what may have been received uncertain, and never gets it again', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.cutOneWay('b', 'a');
    const sent = a.send(b, 'second');
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    b.transport.forget(a.id, 'left');
    cluster.network.heal();
    await cluster.run(1000);
    expect(sent.state).toBe('DeliveryUncertainError');
    const third = a.send(b, 'third');
    await cluster.run(1000);
    expect(third.state).toBe('acknowledged');
    expect(b.texts).toEqual(['first', 'second', 'third']);
  });

  it('because it is a new process, is found out by its id', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.cutOneWay('b', 'a');
    const sent = a.send(b, 'second');
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    cluster.network.crash('b');
    cluster.network.heal();
    const again = await cluster.node('b2', { port: b.address.port });
    await cluster.run(300);
    expect(a.reports).toContain('replaced b b2');
    expect(sent.state).toBe('pending');
    a.transport.forget(b.id, 'unreachable');
    await cluster.run(1);
    expect(sent.state).toBe('DeliveryUncertainError');
    expect(again.texts).toEqual([]);
  });
});

describe('forget', () => {
  it('settles everything at once, by what is certain', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 2 } });
    b.takes = () => 'held';
    const sent = ['one', 'two', 'three', 'four'].map((text) => a.send(b, text));
    await cluster.run(50);
    expect(states(sent)).toEqual(['acknowledged', 'acknowledged', 'pending', 'pending']);
    cluster.network.cut('a', 'b');
    b.received[0]!.release();
    const other = a.send(b, 'other stream', { stream: 1 });
    a.transport.forget(b.id, 'unreachable');
    await cluster.run(1);
    expect(states([...sent.slice(2), other])).toEqual([
      'NotDeliveredError',
      'NotDeliveredError',
      'DeliveryUncertainError',
    ]);
    expect(a.transport.stats.payloadLinks).toBe(0);
  });
});

describe('close', () => {
  it('settles every promise and leaves no handle', async () => {
    const { cluster, a, b } = await two();
    const c = await cluster.node('c');
    cluster.network.blackHole('c');
    a.send(b, 'x');
    a.cast(b, 'x');
    await cluster.run(50);
    const sent = [a.send(b, 'y'), a.send(c, 'z')];
    await cluster.close(a);
    expect(states(sent)).toEqual(['DeliveryUncertainError', 'NotDeliveredError']);
    expect(a.send(b, 'late').state).toBe('pending');
    await cluster.run(0);
    expect(a.transport.stats.sockets).toBe(0);
    await cluster.close(a, b, c);
    await cluster.run(0);
    expect(cluster.clock.pending).toBe(0);
    expect(b.texts).toEqual(['x', 'y']);
  });

  it('of the recipient settles what waits for it', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 1 } });
    b.takes = () => 'held';
    const sent = ['one', 'two'].map((text) => a.send(b, text));
    await cluster.run(50);
    await cluster.close(b);
    await cluster.run(50);
    expect(states(sent)).toEqual(['acknowledged', 'NotDeliveredError']);
  });
});

describe('an abort', () => {
  it('before anything was written is NotDelivered, and the message never arrives', async () => {
    const { cluster, a, b } = await two();
    const controller = new AbortController();
    const sent = a.send(b, 'x', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await cluster.run(100);
    expect(sent.state).toBe('NotDeliveredError');
    expect((sent.error!.cause as Error).message).toBe('enough');
    expect(b.texts).toEqual([]);
    expect(a.send(b, 'y', { signal: controller.signal }).state).toBe('pending');
    await cluster.run(100);
    expect(b.texts).toEqual([]);
  });

  it('after it was written is uncertain; the buffer may change and is sent again as it was', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    cluster.network.cut('a', 'b');
    const controller = new AbortController();
    const payload = new Uint8Array([1, 2, 3]);
    const sent = a.send(b, payload, { signal: controller.signal });
    controller.abort();
    payload.fill(9);
    await cluster.run(1);
    expect(sent.state).toBe('DeliveryUncertainError');
    cluster.network.breakLinks('a', 'b');
    cluster.network.heal();
    await cluster.run(1000);
    expect([...b.received[1]!.payload]).toEqual([1, 2, 3]);
  });

  it('half-way through a large payload is NotDelivered, and the stream goes on', async () => {
    const { cluster, a, b } = await two();
    a.send(b, 'first');
    await cluster.run(50);
    const controller = new AbortController();
    const sent = a.send(b, new Uint8Array(8 * KIB * KIB), { signal: controller.signal });
    const next = a.send(b, 'next');
    await cluster.run(3);
    controller.abort();
    await cluster.run(100);
    expect(states([sent, next])).toEqual(['NotDeliveredError', 'acknowledged']);
    expect(b.texts).toEqual(['first', 'next']);
    const whole = a.send(b, new Uint8Array(3 * KIB * KIB).fill(7));
    await cluster.run(100);
    expect(whole.state).toBe('acknowledged');
    expect(b.received.at(-1)!.payload.every((byte) => byte === 7)).toBe(true);
  });

  it('of many messages behind a stopped reader leaves nothing queued', async () => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 1, sendQueueMessages: 10 } });
    b.takes = () => 'held';
    a.send(b, 'held');
    await cluster.run(50);
    for (let round = 0; round < 50; round++) {
      const controller = new AbortController();
      const sent = a.send(b, `aborted ${round}`, { signal: controller.signal });
      controller.abort();
      await cluster.run(0);
      expect(sent.state).toBe('NotDeliveredError');
    }
    const last = a.send(b, 'last');
    b.received[0]!.release();
    await cluster.run(50);
    expect([last.state, b.texts]).toEqual(['acknowledged', ['held', 'last']]);
  });
});

describe('a message that is not taken', () => {
  it.each([
    ['no-receiver', 'NoReceiverError'],
    ['draining', 'MemberDrainingError'],
  ] as const)('%s rejects with %s, and later ones pass', async (receipt, error) => {
    const { cluster, a, b } = await two({ limits: { windowMessages: 2 } });
    b.takes = () => receipt;
    const sent = Array.from({ length: 5 }, () => a.send(b, 'x'));
    await cluster.run(100);
    expect(states(sent)).toEqual(Array.from({ length: 5 }, () => error));
    b.takes = () => 'held';
    const next = a.send(b, 'y');
    await cluster.run(100);
    expect(next.state).toBe('acknowledged');
  });
});

describe('an introduction', () => {
  it('answered with wait gives credit only after grant', async () => {
    const cluster = new Transports();
    const records: string[] = [];
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    const a = await cluster.node('a', { host: { record: () => new TextEncoder().encode('I am a') } });
    const b = await cluster.node('b', {
      host: {
        introduce: (peer, record) => {
          records.push(`${cluster.nameOf(peer.id)}: ${text(record)}`);
          return 'wait';
        },
      },
    });
    const sent = a.send(b, 'x');
    const back = b.send(a, 'y');
    const reply = a.send(b, 'reply', { free: true });
    await cluster.run(500);
    expect(records).toEqual(['a: I am a']);
    expect(states([sent, back, reply])).toEqual(['pending', 'acknowledged', 'pending']);
    b.transport.grant(a.id);
    await cluster.run(100);
    expect(states([sent, reply])).toEqual(['acknowledged', 'acknowledged']);
    expect(b.transport.stats.closedFor).toEqual({});
  });

  it('answered with refuse settles what waits', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('b', { host: { introduce: () => 'refuse' } });
    const sent = a.send(b, 'x');
    const back = b.send(a, 'y');
    await cluster.run(1000);
    expect(states([sent, back])).toEqual(['NotDeliveredError', 'NotDeliveredError']);
    expect(b.transport.stats.closedFor['left']).toBeGreaterThan(0);
  });
});

describe('the sequence that bind gives', () => {
  it('takes one message at a time: asking for the next releases the one before', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const b = await cluster.node('plain', {
      limits: { windowMessages: 2 },
      host: { receive: undefined as never },
    });
    const inbox = b.binding[Symbol.asyncIterator]();
    const sent = Array.from({ length: 4 }, (_, i) => a.send(b, `${i}`));
    await cluster.run(50);
    expect(states(sent)).toEqual(['acknowledged', 'acknowledged', 'pending', 'pending']);
    for (let i = 0; i < 4; i++) {
      const next = await inbox.next();
      expect(new TextDecoder().decode(next.value!.payload as Uint8Array)).toBe(`${i}`);
      await cluster.run(50);
    }
    expect(states(sent)).toEqual(Array.from({ length: 4 }, () => 'acknowledged'));
    const waiting = inbox.next();
    await cluster.close(b);
    expect((await waiting).done).toBe(true);
  });
});
