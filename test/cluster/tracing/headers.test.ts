import { afterEach, describe, expect, it } from '@jest/globals';
import { context, propagation } from '@opentelemetry/api';
import { carriedHeaders } from '../../../src/cluster/tracing/carried-headers.js';
import { TcpCluster } from '../../limits/tcp-cluster.js';
import { until } from '../../support/until.js';
import { Telemetry } from './telemetry.js';

const OWN_TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const cluster = new TcpCluster();

afterEach(async () => {
  await cluster.close();
  Telemetry.end();
});

describe('the headers of a trace', () => {
  const carried = [
    ['traceparent', 'p'],
    ['tracestate', 's'],
    ['baggage', 'b'],
  ] as const;
  const refuse = (name: string): never => {
    throw new Error(`${name} does not fit`);
  };

  it('come beside those of the message, which stay as they are', () => {
    const own = Object.freeze({ tenant: 'north' });
    expect(carriedHeaders(own, carried, refuse)).toEqual({
      tenant: 'north',
      traceparent: 'p',
      tracestate: 's',
      baggage: 'b',
    });
    expect(carriedHeaders(undefined, carried, refuse)).toEqual(Object.fromEntries(carried));
  });

  it('are none where there is nothing to carry', () => {
    const own = { tenant: 'north' };
    expect(carriedHeaders(own, [], refuse)).toBe(own);
    expect(carriedHeaders(undefined, [], refuse)).toBeUndefined();
  });

  it("make way for the message's own, of which another trace's state is no part", () => {
    expect(carriedHeaders({ traceparent: 'mine' }, carried, refuse)).toEqual({
      traceparent: 'mine',
      baggage: 'b',
    });
    expect(carriedHeaders({ baggage: 'mine' }, carried, refuse)).toEqual({
      traceparent: 'p',
      tracestate: 's',
      baggage: 'mine',
    });
  });

  it('are left out one by one where a message would have more than 32', () => {
    const left: string[] = [];
    const own = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`h${i}`, '']));
    const headers = carriedHeaders(own, carried, (name) => left.push(name));
    expect(headers).toEqual({ ...own, traceparent: 'p' });
    expect(left).toEqual(['tracestate', 'baggage']);
  });

  it('are left out one by one where a message would have more than 4 KiB', () => {
    const left: string[] = [];
    const fits = { tenant: 'x'.repeat(4096 - 'tenant'.length - 'traceparentp'.length - 'baggageb'.length) };
    expect(carriedHeaders(fits, carried, (name) => left.push(name))).toEqual({
      ...fits,
      traceparent: 'p',
      baggage: 'b',
    });
    expect(left).toEqual(['tracestate']);
  });

  it('do not hide that a header of the message is no text', () => {
    const own = { tenant: 7 } as never;
    expect(carriedHeaders(own, carried, refuse)).toMatchObject({ tenant: 7 });
  });
});

describe('a message', () => {
  it('with a traceparent of its own keeps it: its handler belongs to that trace', async () => {
    const telemetry = new Telemetry();
    const { node: a } = await cluster.start();
    const { node: b } = await cluster.start();
    let headers: unknown;
    b.onMessage('price', (_, message) => void (headers = message.headers));
    await telemetry.under('checkout', () =>
      a.emit(b.local, 'price', 1, { headers: { traceparent: OWN_TRACE, tenant: 'north' } }),
    );
    await until('the spans are there', () => telemetry.spans.length === 3);
    expect(headers).toEqual({ traceparent: OWN_TRACE, tenant: 'north' });
    const handled = telemetry.span('CONSUMER', 'process price');
    expect(handled.spanContext().traceId).toBe('a'.repeat(32));
    expect(handled.parentSpanContext?.spanId).toBe('b'.repeat(16));
  });

  it('arrives, still in its trace, when its baggage would go over the limit, and the log says so once', async () => {
    const telemetry = new Telemetry();
    const { node: a, warnings } = await cluster.start();
    const { node: b } = await cluster.start();
    const names: string[][] = [];
    b.onRequest('price', (_, message) => void names.push(Object.keys(message.headers)));
    const entries = { tenant: { value: 'n'.repeat(3000) } };
    const crowded = propagation.setBaggage(context.active(), propagation.createBaggage(entries));
    const headers = { note: 'x'.repeat(1100) };
    for (let i = 0; i < 3; i++)
      await context.with(crowded, () => a.request(b.local, 'price', 1, { headers }));
    expect(names).toEqual(Array.from({ length: 3 }, () => ['note', 'traceparent']));
    expect(warnings.filter((line) => line.includes('"baggage" of a trace was left out'))).toHaveLength(1);
    expect(telemetry.tree).toContain('request price CLIENT\n  process price SERVER');
  });

  it('whose own headers are too many is refused as ever', async () => {
    const telemetry = new Telemetry();
    const { node: a } = await cluster.start();
    const { node: b } = await cluster.start();
    const headers = { note: 'x'.repeat(5000) };
    await expect(a.emit(b.local, 'price', 1, { headers })).rejects.toThrow('over 4096 bytes');
    expect(telemetry.span('PRODUCER', 'send price').attributes['error.type']).toBe('CLUSTER_INVALID_OPTION');
  });

  it('that is not sampled still tells the other node that it is not', async () => {
    const telemetry = new Telemetry({ sampled: false });
    const { node: a } = await cluster.start();
    const { node: b } = await cluster.start();
    b.onRequest('price', (_, message) => message.headers['traceparent']);
    expect(await a.request(b.local, 'price', 1)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(telemetry.spans).toEqual([]);
  });
});
