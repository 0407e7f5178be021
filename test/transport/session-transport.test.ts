import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { createNodeId } from '../../src/node-id.js';
import { RecordedNode, Transports } from './cluster-of-transports.js';

describe('a send', () => {
  it('arrives, and resolves once it is acknowledged', async () => {
    const cluster = new Transports();
    const [a, b] = [await cluster.node('a'), await cluster.node('b')];
    const sent = a.send(b, 'hello');
    expect(sent.state).toBe('pending');
    await cluster.run(100);
    expect(b.texts).toEqual(['hello']);
    expect(b.received[0]!.from).toBe(a.id);
    expect(sent.state).toBe('acknowledged');
  });

  it('keeps the order of a stream, both ways on one link', async () => {
    const cluster = new Transports();
    const [a, b] = [await cluster.node('a'), await cluster.node('b')];
    const sent = Array.from({ length: 100 }, (_, i) => [a.send(b, `a${i}`), b.send(a, `b${i}`)]).flat();
    await cluster.run(100);
    expect(sent.map(({ state }) => state)).toEqual(sent.map(() => 'acknowledged'));
    expect(b.texts).toEqual(Array.from({ length: 100 }, (_, i) => `a${i}`));
    expect(a.texts).toEqual(Array.from({ length: 100 }, (_, i) => `b${i}`));
    expect([a.transport.stats.payloadLinks, b.transport.stats.payloadLinks]).toEqual([1, 1]);
    await cluster.close(a, b);
    expect([a.transport.stats.sockets, b.transport.stats.sockets, cluster.clock.pending]).toEqual([0, 0, 0]);
  });
});

describe('a post', () => {
  it('arrives, and tells once that it is acknowledged', async () => {
    const cluster = new Transports();
    const [a, b] = [await cluster.node('a'), await cluster.node('b')];
    const told: (string | undefined)[] = [];
    a.transport.post(b.destination, Buffer.from('hello'), {}, (error) => told.push(error?.name));
    expect(told).toEqual([]);
    await cluster.run(100);
    expect([b.texts, told]).toEqual([['hello'], [undefined]]);
  });

  it('tells once why it failed, and never from within the call', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a', { limits: { payloadBytes: 10 } });
    const nobody = { address: { host: '10.0.0.1', port: 1 }, id: a.id };
    const told: (string | undefined)[] = [];
    const aborter = new AbortController();
    const tell = (error?: Error): void => void told.push(error?.name);
    a.transport.post(nobody, new Uint8Array(11), {}, tell);
    a.transport.post(nobody, new Uint8Array(1), { signal: aborter.signal }, tell);
    aborter.abort();
    expect(told).toEqual([]);
    await cluster.run(0);
    expect(told).toEqual(['PayloadTooLargeError', 'NotDeliveredError']);
  });
});

describe('sends that share a signal', () => {
  it('cost it one listener, which goes with the last of them', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const others = [];
    for (let i = 0; i < 20; i++) others.push(await cluster.node(`b${i}`));
    const { signal } = new AbortController();
    const sent = others.map((other) => a.send(other, 'hello', { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await cluster.run(100);
    expect(sent.map(({ state }) => state)).toEqual(sent.map(() => 'acknowledged'));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('all reject when it aborts', async () => {
    const cluster = new Transports();
    const a = await cluster.node('a');
    const others = [await cluster.node('b'), await cluster.node('c')];
    const aborter = new AbortController();
    const sent = others.map((other) => a.send(other, 'hello', { signal: aborter.signal }));
    aborter.abort();
    await cluster.run(0);
    expect(sent.map(({ state }) => state)).toEqual(['NotDeliveredError', 'NotDeliveredError']);
    expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(0);
  });
});

describe('a transport whose binding has a signal', () => {
  it('listens to it no longer than it is open', async () => {
    const cluster = new Transports();
    const a = new RecordedNode('a', createNodeId(1000, new Uint8Array(10)), cluster, {});
    const { signal } = new AbortController();
    await a.transport.bind({ host: '10.0.0.1', port: 0 }, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await cluster.close(a);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a cast', () => {
  it('dials, and tells both nodes once that the link is up', async () => {
    const cluster = new Transports();
    const [a, b] = [await cluster.node('a'), await cluster.node('b')];
    a.cast(b, 'one');
    a.cast(b, 'two');
    await cluster.run(100);
    expect(b.bodies).toEqual(['one', 'two']);
    expect(b.casts[0]!.from).toEqual(a.destination);
    b.cast(a, 'three');
    await cluster.run(100);
    expect(a.bodies).toEqual(['three']);
    expect([a.reports, b.reports]).toEqual([['up b'], ['up a']]);
  });
});
