import { SpanKind, SpanStatusCode, context, propagation, trace, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

/** An OpenTelemetry SDK, registered for this process as an application does it. To be ended after each test. */
export class Telemetry {
  readonly #exporter = new InMemorySpanExporter();

  constructor(options: { readonly sampled?: boolean } = {}) {
    const sampler = options.sampled === false ? new AlwaysOffSampler() : new AlwaysOnSampler();
    const spanProcessors = [new SimpleSpanProcessor(this.#exporter)];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler, spanProcessors }));
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  }

  /** Those that have ended, in that order. */
  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** The only span of a kind and name. */
  span(kind: keyof typeof SpanKind, name: string): ReadableSpan {
    const found = this.spans.filter((span) => span.kind === SpanKind[kind] && span.name === name);
    if (found.length !== 1) throw new Error(`${found.length} spans: ${kind} ${name}. All: ${this.tree}`);
    return found[0]!;
  }

  /** Every span under its parent, as `name KIND`, indented; siblings by name. */
  get tree(): string {
    const known = new Set(this.spans.map((span) => span.spanContext().spanId));
    const below = (parent: string | undefined, depth: number): string[] =>
      this.spans
        .filter((span) => {
          const id = span.parentSpanContext?.spanId;
          return parent === undefined ? id === undefined || !known.has(id) : id === parent;
        })
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap((span) => [
          `${'  '.repeat(depth)}${span.name} ${SpanKind[span.kind]}`,
          ...below(span.spanContext().spanId, depth + 1),
        ]);
    return below(undefined, 0).join('\n');
  }

  /** Runs something under a span of the application's own. */
  under<T>(name: string, run: (span: Span) => Promise<T>): Promise<T> {
    return trace.getTracer('test').startActiveSpan(name, async (span) => {
      try {
        return await run(span);
      } finally {
        span.end();
      }
    });
  }

  /** Also where none was registered. */
  static end(): void {
    trace.disable();
    context.disable();
    propagation.disable();
  }
}

/** Whether a span failed, and with what. */
export function failureOf({ status, attributes, events }: ReadableSpan): unknown {
  if (status.code !== SpanStatusCode.ERROR) return undefined;
  return { type: attributes['error.type'], message: status.message, exceptions: events.length };
}
