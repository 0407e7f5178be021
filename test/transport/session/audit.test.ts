import { describe, expect, it } from '@jest/globals';
import { OutgoingStream } from '../../../src/transport/session/outgoing-stream.js';
import type { IncomingMessage, Receipt } from '../../../src/transport/transport.js';
import { AbortFan } from '../../../src/transport/abort-fan.js';
import { PendingSend } from '../../../src/transport/pending-send.js';
import { Transports, type RecordedNode } from '../cluster-of-transports.js';

const KIB = 1024;
const LIMITS = { windowMessages: 4, windowBytes: 64 * KIB, sendQueueMessages: 20 };

/** Two transports; b takes nothing until it is told to. */
async function pair(): Promise<{
  cluster: Transports;
  a: RecordedNode;
  b: RecordedNode;
  held: IncomingMessage[];
}> {
  const cluster = new Transports(3);
  const a = await cluster.node('a', { limits: LIMITS });
  const b = await cluster.node('b', { limits: LIMITS });
  const held: IncomingMessage[] = [];
  b.takes = (message): Receipt => {
    held.push(message);
    return 'held';
  };
  return { cluster, a, b, held };
}

describe('the books of a transport', () => {
  it('are in order while messages wait for credit, and empty when all were taken', async () => {
    const { cluster, a, b, held } = await pair();
    for (let i = 0; i < 12; i++) a.send(b, 'text');
    const large = a.send(b, new Uint8Array(100 * KIB), { stream: 1 });
    await cluster.run(100);
    expect(held).toHaveLength(5);
    for (const { transport } of [a, b]) expect(transport.audit({ isCalm: false })).toEqual([]);
    expect(a.transport.counters).toMatchObject({ creditExhausted: 1, creditReturned: 0 });

    for (let round = 0; round < 5; round++) {
      for (const message of held.splice(0)) message.release();
      await cluster.run(100);
    }
    expect(large.state).toBe('acknowledged');
    for (const { transport } of [a, b]) expect(transport.audit({ isCalm: true })).toEqual([]);
    const { creditExhausted, creditReturned } = a.transport.counters;
    expect(creditReturned).toBe(creditExhausted);
    await cluster.close(a, b);
  });

  it('name what is left in them when nothing should be', async () => {
    const { cluster, a, b } = await pair();
    for (let i = 0; i < 6; i++) a.send(b, 'text');
    a.send(b, new Uint8Array(100 * KIB), { stream: 1 });
    await cluster.run(100);
    expect(a.transport.audit({ isCalm: true }).join('; ')).toMatch(
      /^2 outgoing messages, .*; 8 outgoing bytes, /,
    );
    const complaints = b.transport.audit({ isCalm: true }).join('; ');
    expect(complaints).toContain('5 held messages, where at most 0 may be');
    expect(complaints).toContain(`${100 * KIB} bytes of the reassembly budget are never given back`);
    await cluster.close(a, b);
  });

  it('name a release that never was due', async () => {
    const { cluster, a, b, held } = await pair();
    a.send(b, 'text');
    await cluster.run(100);
    const { session } = held[0] as unknown as { session: { inbox: { held: number } } };
    session.inbox.held -= 2;
    expect(b.transport.audit({ isCalm: false })[0]).toContain('-1 held messages');
    await cluster.close(a, b);
  });

  it('show credit that was overdrawn', () => {
    const stream = new OutgoingStream(0);
    stream.opened({ messages: 1, bytes: 100 });
    const send = (bytes: number): void => {
      const message = new PendingSend(new Uint8Array(bytes), {}, new AbortFan());
      stream.push(message);
      stream.framed(message, true, true);
    };
    send(40);
    expect(stream.creditLeft).toBe(0);
    send(70);
    expect(stream.creditLeft).toBe(-10);
  });
});

describe('the counters of a transport', () => {
  it('tell a session that goes on from one that was forgotten', async () => {
    const { cluster, a, b, held } = await pair();
    a.send(b, 'one');
    await cluster.run(100);
    cluster.network.cut('a', 'b');
    a.send(b, 'two');
    await cluster.run(10);
    cluster.network.breakLinks('a', 'b');
    cluster.network.heal();
    await cluster.run(100);
    expect(held).toHaveLength(2);
    expect(a.transport.counters).toMatchObject({ resumed: 1, unknown: 0 });
    b.transport.forget(a.id, 'left');
    await cluster.run(100);
    a.send(b, 'three');
    await cluster.run(3000);
    expect(a.transport.counters).toMatchObject({ resumed: 1, unknown: 1 });
    await cluster.close(a, b);
  });

  it('count dials that crossed', async () => {
    const { cluster, a, b } = await pair();
    a.send(b, 'to b');
    b.send(a, 'to a');
    await cluster.run(100);
    expect(a.transport.counters.crossedDials + b.transport.counters.crossedDials).toBeGreaterThan(0);
    await cluster.close(a, b);
  });
});
