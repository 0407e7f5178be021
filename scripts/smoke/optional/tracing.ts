// One trace over two nodes, from the package as users get it.
import 'reflect-metadata';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { ClusterNode, seeds } from 'clusterpack';

export async function tracing(): Promise<void> {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const base = { clusterName: 'smoke-tracing', host: '127.0.0.1', port: 0 };
  const first = new ClusterNode(base);
  await first.start();
  const { host, port } = first.local.address;
  const second = new ClusterNode({ ...base, discovery: seeds(`${host}:${port}`) });
  await second.start();
  await second.whenReady({ members: 2, timeoutMs: 15_000 });
  first.onRequest('price', () => 1);
  await second.request(first.local.id, 'price', null);
  await second.leave();
  await first.leave();
  const spans = exporter.getFinishedSpans();
  const asked = spans.find((span) => span.name === 'request price');
  const handled = spans.find((span) => span.name === 'process price');
  if (asked === undefined || handled === undefined)
    throw new Error(`these spans only: ${spans.map((span) => span.name).join(', ')}`);
  if (handled.parentSpanContext?.spanId !== asked.spanContext().spanId)
    throw new Error('the spans of the two nodes are not linked');
}
