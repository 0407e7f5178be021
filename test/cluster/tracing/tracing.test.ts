import { afterEach, describe, expect, it } from '@jest/globals';
import { context, propagation, trace } from '@opentelemetry/api';
import type { ClusterNode } from '../../../src/cluster/node.js';
import { RemoteError, ReplyError } from '../../../src/errors.js';
import { TcpCluster } from '../../limits/tcp-cluster.js';
import { until } from '../../support/until.js';
import { Telemetry, failureOf } from './telemetry.js';

const cluster = new TcpCluster();

async function start(count: number): Promise<ClusterNode[]> {
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < count; i++) nodes.push((await cluster.start()).node);
  return nodes;
}

afterEach(async () => {
  await cluster.close();
  Telemetry.end();
});

describe('a message between two nodes', () => {
  it('is one trace: whoever sends it, the sending, and the handling at the other node', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onMessage('price', () => undefined, { name: 'Prices.changed' });
    await telemetry.under('checkout', () => a!.emit(b!.local, 'price', { sku: 'tea' }));
    await until('the spans are there', () => telemetry.spans.length === 3);
    expect(telemetry.tree).toBe(
      ['checkout INTERNAL', '  send price PRODUCER', '    process price CONSUMER'].join('\n'),
    );
    expect(new Set(telemetry.spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(telemetry.span('CONSUMER', 'process price').parentSpanContext?.isRemote).toBe(true);
  });

  it('tells in its spans who, whom and what, by the conventions for messaging, and no payload', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onMessage('price', () => undefined, { name: 'Prices.changed' });
    await a!.emit(b!.local.id, 'price', { sku: 'tea' });
    await until('the spans are there', () => telemetry.spans.length === 2);
    expect(telemetry.span('PRODUCER', 'send price').attributes).toEqual({
      'messaging.system': 'clusterpack',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'price',
      'messaging.client.id': a!.local.id,
      'clusterpack.cluster': a!.clusterName,
      'clusterpack.member.id': b!.local.id,
      'clusterpack.member.name': b!.local.name,
    });
    expect(telemetry.span('CONSUMER', 'process price').attributes).toEqual({
      'messaging.system': 'clusterpack',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'price',
      'messaging.client.id': b!.local.id,
      'clusterpack.cluster': a!.clusterName,
      'clusterpack.member.id': a!.local.id,
      'clusterpack.member.name': a!.local.name,
      'code.function.name': 'Prices.changed',
    });
  });

  it('of raw bytes is traced, too', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onMessage(undefined, () => undefined);
    await a!.send(b!.local, Buffer.from('bytes'));
    await until('the spans are there', () => telemetry.spans.length === 2);
    expect(telemetry.tree).toBe(['send PRODUCER', '  process CONSUMER'].join('\n'));
  });

  it('to this node itself is traced like any other', async () => {
    const telemetry = new Telemetry();
    const [a] = await start(1);
    a!.onMessage('note', () => undefined);
    await a!.emit(a!.local, 'note', 1);
    await until('the spans are there', () => telemetry.spans.length === 2);
    expect(telemetry.tree).toBe(['send note PRODUCER', '  process note CONSUMER'].join('\n'));
  });

  it('without a trace around it begins one', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onMessage('price', () => undefined);
    await a!.emit(b!.local, 'price', 1);
    await a!.emit(b!.local, 'price', 2);
    await until('the spans are there', () => telemetry.spans.length === 4);
    expect(new Set(telemetry.spans.map((span) => span.spanContext().traceId)).size).toBe(2);
  });

  it('carries baggage', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    let tenant: string | undefined;
    b!.onMessage('price', () => {
      tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
    });
    const baggage = propagation.createBaggage({ tenant: { value: 'north' } });
    await context.with(propagation.setBaggage(context.active(), baggage), () =>
      a!.emit(b!.local, 'price', 1),
    );
    await until('the spans are there', () => telemetry.spans.length === 2);
    expect(tenant).toBe('north');
  });
});

describe('a message to all', () => {
  it('is sent under one span, which counts its recipients, and handled under one span at each', async () => {
    const telemetry = new Telemetry();
    const [a, b, c] = await start(3);
    b!.onMessage('news', () => undefined);
    const outcome = await a!.emitAll('news', 1);
    expect(outcome.failed.map(({ member }) => member.id)).toEqual([c!.local.id]);
    for (const node of [b!, c!]) node.onMessage(undefined, () => undefined);
    await a!.broadcast(Buffer.from('bytes'));
    await until('the spans are there', () => telemetry.spans.length === 5);
    expect(telemetry.tree).toBe(
      [
        'send PRODUCER',
        '  process CONSUMER',
        '  process CONSUMER',
        'send news PRODUCER',
        '  process news CONSUMER',
      ].join('\n'),
    );
    expect(telemetry.span('PRODUCER', 'send news').attributes).toMatchObject({
      'clusterpack.delivered': 1,
      'clusterpack.failed': 1,
    });
  });
});

describe('a request', () => {
  it('that makes the handler ask a third node is one trace over all of them', async () => {
    const telemetry = new Telemetry();
    const [a, b, c] = await start(3);
    b!.onRequest('total', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return b!.request(c!.local, 'price', 'tea');
    });
    c!.onRequest('price', () => 3);
    await telemetry.under('checkout', () => a!.request(b!.local, 'total', 1));
    expect(telemetry.tree).toBe(
      [
        'checkout INTERNAL',
        '  request total CLIENT',
        '    process total SERVER',
        '      request price CLIENT',
        '        process price SERVER',
      ].join('\n'),
    );
    expect(new Set(telemetry.spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it('to any or to all has a span for each request that is made, under the caller', async () => {
    const telemetry = new Telemetry();
    const [a, b, c] = await start(3);
    c!.onRequest('price', () => 3);
    await telemetry.under('any', async () => {
      await a!.requestAny('price', 1);
      await a!.requestAny('price', 1);
    });
    // The other member has no handler; whenever it is its turn, the next one is asked as well.
    const asked = telemetry.spans.filter((span) => span.name === 'request price');
    expect(new Set(asked.map((span) => span.attributes['clusterpack.member.id']))).toEqual(
      new Set([b!.local.id, c!.local.id]),
    );
    const lines = telemetry.tree.split('\n').filter((line) => line.endsWith('CLIENT'));
    expect(lines).toHaveLength(asked.length);
    expect(new Set(lines)).toEqual(new Set(['  request price CLIENT']));
    await telemetry.under('all', () => a!.requestAll('price', 1));
    const ofAll = telemetry.spans.slice(-4);
    const members = ofAll.flatMap((span) =>
      span.name === 'request price' ? [String(span.attributes['clusterpack.member.id'])] : [],
    );
    expect(members.toSorted()).toEqual([b!.local.id, c!.local.id].toSorted());
  });

  it('whose handler fails is an error on both sides, and the log line can be found from the caller', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onRequest('price', () => {
      throw new RangeError('no such price');
    });
    const error = await a!.request(b!.local, 'price', 1).catch((caught: unknown) => caught as RemoteError);
    expect(failureOf(telemetry.span('SERVER', 'process price'))).toEqual({
      type: 'RangeError',
      message: 'no such price',
      exceptions: 1,
    });
    const client = telemetry.span('CLIENT', 'request price');
    expect(failureOf(client)).toMatchObject({ type: 'CLUSTER_REMOTE', exceptions: 1 });
    expect(client.attributes).toMatchObject({
      'clusterpack.reply.code': 'INTERNAL',
      'clusterpack.correlation.id': (error as RemoteError).correlationId,
    });
  });

  it('that is answered with a ReplyError is an error for the caller, and none for the handler', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onRequest('price', async () => {
      throw new ReplyError('SOLD_OUT', 'no tea');
    });
    await expect(a!.request(b!.local, 'price', 1)).rejects.toBeInstanceOf(RemoteError);
    const server = telemetry.span('SERVER', 'process price');
    expect(failureOf(server)).toBeUndefined();
    expect(server.attributes['clusterpack.reply.code']).toBe('SOLD_OUT');
    const client = telemetry.span('CLIENT', 'request price');
    expect(failureOf(client)).toEqual({ type: 'CLUSTER_REMOTE', message: 'no tea', exceptions: 1 });
    expect(client.attributes['clusterpack.reply.code']).toBe('SOLD_OUT');
  });

  it('that is not delivered has a failed span with the code of the error', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    await expect(a!.request(b!.local, 'price', 1)).rejects.toThrow('no request handler');
    await expect(a!.request('f'.repeat(32), 'price', 1)).rejects.toThrow('No member');
    await expect(a!.emit(undefined as never, 'price', 1)).rejects.toThrow('no member');
    expect(telemetry.spans.map(({ attributes }) => attributes['error.type'])).toEqual([
      'CLUSTER_NO_HANDLER',
      'CLUSTER_UNKNOWN_MEMBER',
      'CLUSTER_UNKNOWN_MEMBER',
    ]);
  });
});

describe('a handler', () => {
  it('runs under its span, and what it does later, too', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    const active: (string | undefined)[] = [];
    const look = (): void => void active.push(trace.getActiveSpan()?.spanContext().spanId);
    b!.onMessage('price', async () => {
      look();
      await new Promise((resolve) => setTimeout(resolve, 5));
      look();
    });
    await a!.emit(b!.local, 'price', 1);
    await until('the spans are there', () => telemetry.spans.length === 2);
    const { spanId } = telemetry.span('CONSUMER', 'process price').spanContext();
    expect(active).toEqual([spanId, spanId]);
  });

  it('of a message fails its span with whatever it throws', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    b!.onMessage('price', async () => {
      throw new ReplyError('NOBODY', 'hears this');
    });
    await a!.emit(b!.local, 'price', 1);
    await until('the spans are there', () => telemetry.spans.length === 2);
    expect(failureOf(telemetry.span('CONSUMER', 'process price'))).toEqual({
      type: 'CLUSTER_REPLY',
      message: 'hears this',
      exceptions: 1,
    });
  });

  it('that waited for another to finish belongs to its own message, not to the one before', async () => {
    const telemetry = new Telemetry();
    const [a, b] = await start(2);
    const waits: (() => void)[] = [];
    b!.onMessage('price', () => new Promise<void>((resolve) => waits.push(resolve)), { concurrency: 1 });
    await telemetry.under('first', () => a!.emit(b!.local, 'price', 1));
    await telemetry.under('second', () => a!.emit(b!.local, 'price', 2));
    for (let i = 0; i < 2; i++) {
      await until('it holds', () => waits.length > 0);
      waits.shift()!();
    }
    await until('the spans are there', () => telemetry.spans.length === 6);
    expect(telemetry.tree).toBe(
      ['first', 'second']
        .flatMap((name) => [`${name} INTERNAL`, '  send price PRODUCER', '    process price CONSUMER'])
        .join('\n'),
    );
  });

  it('of a message without a trace begins one, whatever made the connection that brought it', async () => {
    const telemetry = new Telemetry();
    const { node: a } = await cluster.start();
    const { node: untraced } = await cluster.start({}, { tracing: false });
    a.onMessage('price', () => undefined);
    untraced.onMessage('hello', () => undefined);
    await telemetry.under('checkout', () => a.emit(untraced.local, 'hello', 1));
    await untraced.emit(a.local, 'price', 1);
    await until('the spans are there', () => telemetry.spans.length === 3);
    expect(telemetry.tree).toBe(
      ['checkout INTERNAL', '  send hello PRODUCER', 'process price CONSUMER'].join('\n'),
    );
  });

  it('that was registered before the node was bound is traced', async () => {
    const telemetry = new Telemetry();
    const { ClusterNode } = await import('../../../src/cluster/node.js');
    const node = new ClusterNode({ port: 0, clusterName: 'early' });
    node.onRequest('price', () => trace.getActiveSpan() !== undefined);
    await node.start();
    expect(await node.request(node.local, 'price', 1)).toBe(true);
    await node.close();
    expect(telemetry.spans).toHaveLength(2);
  });
});

describe('a listener of membership events', () => {
  it('is part of no trace, whatever led to the event', async () => {
    const telemetry = new Telemetry();
    const active: unknown[] = [];
    await telemetry.under('boot', async () => {
      const { node } = await cluster.start();
      node.onEvent(() => active.push(trace.getActiveSpan()));
      await node.updateMetadata({ zone: 'north' });
      await cluster.start();
    });
    await until('it holds', () => active.length === 2);
    expect(active).toEqual([undefined, undefined]);
    expect(telemetry.spans).toHaveLength(1);
  });
});
