import type * as OpenTelemetry from '@opentelemetry/api';
import { ClusterError, RemoteError, ReplyError, clip } from '../../errors.js';
import type { BroadcastOutcome, Recipient } from '../../membership/membership.js';
import type { ThrottledLog } from '../../throttled-log.js';
import type { ClusterMessage } from '../messaging/cluster-message.js';
import type { Headers } from '../messaging/envelope.js';
import { isPromiseLike } from '../messaging/handler-queue.js';
import { carriedHeaders, type Carried } from './carried-headers.js';
import type { MessageTracer, Start, TracedNode } from './message-tracer.js';

/** What `import('@opentelemetry/api')` gives. */
export type OpenTelemetryApi = typeof OpenTelemetry;

/** The instrumentation scope of all spans. */
const SCOPE = 'clusterpack';

/** A span, and the context in which it is the active one. */
interface Begun {
  readonly span: OpenTelemetry.Span;
  readonly context: OpenTelemetry.Context;
}

/**
 * Spans by OpenTelemetry's conventions for messaging, for whatever SDK is registered at the moment of a call.
 *
 * A caller's span fails with whatever its caller gets. The span of a request's handler fails as a server's does, with
 * what was not meant: a `ReplyError` is an answer, noted as `clusterpack.reply.code`.
 */
export class OpenTelemetryTracer implements MessageTracer {
  readonly #api: OpenTelemetryApi;
  readonly #node: TracedNode;
  readonly #log: Pick<ThrottledLog, 'warn'>;

  constructor(api: OpenTelemetryApi, node: TracedNode, log: Pick<ThrottledLog, 'warn'>) {
    this.#api = api;
    this.#node = node;
    this.#log = log;
  }

  get isIdle(): boolean {
    const { trace, propagation } = this.#api;
    const provider: Partial<OpenTelemetry.ProxyTracerProvider> = trace.getTracerProvider();
    // The API's own provider stands for the one that may be registered later; without one it has no tracer to give.
    const isRegistered =
      provider.getDelegateTracer === undefined || provider.getDelegateTracer(SCOPE) !== undefined;
    return !isRegistered && propagation.fields().length === 0;
  }

  sendToOne<T>(
    operation: 'send' | 'request',
    pattern: string | undefined,
    to: Recipient,
    headers: Headers | undefined,
    start: Start<T>,
  ): Promise<T> {
    const { CLIENT, PRODUCER } = this.#api.SpanKind;
    const kind = operation === 'request' ? CLIENT : PRODUCER;
    const member = typeof to === 'string' ? this.#node.member(to) : to;
    return this.#send(operation, kind, pattern, member, headers, start, ignore);
  }

  sendToAll(
    pattern: string | undefined,
    headers: Headers | undefined,
    start: Start<BroadcastOutcome>,
  ): Promise<BroadcastOutcome> {
    const { PRODUCER } = this.#api.SpanKind;
    return this.#send('send', PRODUCER, pattern, undefined, headers, start, (span, outcome) =>
      span.setAttributes({
        'clusterpack.delivered': outcome.delivered.length,
        'clusterpack.failed': outcome.failed.length,
      }),
    );
  }

  handle(handler: string | undefined, message: ClusterMessage, start: () => unknown): unknown {
    const { ROOT_CONTEXT, SpanKind, context, propagation } = this.#api;
    const begun = this.#guarded(() => {
      const kind = message.isRequest ? SpanKind.SERVER : SpanKind.CONSUMER;
      // Not the active context: it is that of whatever made the connection, or of a handler that has just finished.
      const parent = propagation.extract(ROOT_CONTEXT, message.headers);
      const attributes = this.#attributes('process', message.pattern, message.sender);
      if (handler !== undefined) attributes['code.function.name'] = handler;
      return this.#begin('process', kind, message.pattern, attributes, parent);
    });
    if (begun === undefined) return start();
    const { span } = begun;
    return context.with(begun.context, span.isRecording() ? () => this.#call(span, message, start) : start);
  }

  apart(start: () => unknown): unknown {
    return this.#api.context.with(this.#api.ROOT_CONTEXT, start);
  }

  #send<T>(
    operation: 'send' | 'request',
    kind: OpenTelemetry.SpanKind,
    pattern: string | undefined,
    member: Peer | undefined,
    headers: Headers | undefined,
    start: Start<T>,
    succeeded: (span: OpenTelemetry.Span, value: T) => void,
  ): Promise<T> {
    let carried = headers;
    const begun = this.#guarded(() => {
      const attributes = this.#attributes(operation, pattern, member);
      const parent = this.#api.context.active();
      const { span, context } = this.#begin(operation, kind, pattern, attributes, parent);
      carried = this.#inject(context, headers);
      return span;
    });
    const sent = start(carried);
    if (begun === undefined || !begun.isRecording()) return sent;
    return sent.then(
      (value) => {
        this.#end(begun, () => succeeded(begun, value));
        return value;
      },
      (error: unknown) => {
        this.#end(begun, () => this.#failed(begun, error));
        throw error;
      },
    );
  }

  /** Called in the span's context, so that a thenable which begins only when it is asked begins in there, too. */
  #call(span: OpenTelemetry.Span, message: ClusterMessage, start: () => unknown): unknown {
    const failed = (error: unknown): void =>
      this.#end(span, () => {
        if (message.isRequest && error instanceof ReplyError)
          span.setAttribute('clusterpack.reply.code', error.replyCode);
        else this.#failed(span, error);
      });
    let result: unknown;
    try {
      result = start();
    } catch (error) {
      failed(error);
      throw error;
    }
    if (!isPromiseLike(result)) {
      this.#end(span, ignore);
      return result;
    }
    return result.then(
      (value) => {
        this.#end(span, ignore);
        return value;
      },
      (error: unknown) => {
        failed(error);
        throw error;
      },
    );
  }

  #begin(
    operation: string,
    kind: OpenTelemetry.SpanKind,
    pattern: string | undefined,
    attributes: OpenTelemetry.Attributes,
    parent: OpenTelemetry.Context,
  ): Begun {
    const { trace } = this.#api;
    const name = pattern === undefined ? operation : `${operation} ${pattern}`;
    const span = trace.getTracer(SCOPE).startSpan(name, { kind, attributes }, parent);
    return { span, context: trace.setSpan(parent, span) };
  }

  #inject(context: OpenTelemetry.Context, headers: Headers | undefined): Headers | undefined {
    const carried: Carried[] = [];
    this.#api.propagation.inject(context, carried, append);
    return carriedHeaders(headers, carried, (name) =>
      this.#log.warn(
        `tracing ${name}`,
        `The header "${clip(name)}" of a trace was left out: with it, a message would have had more headers than travel`,
      ),
    );
  }

  #attributes(
    operation: string,
    pattern: string | undefined,
    member: Peer | undefined,
  ): OpenTelemetry.Attributes {
    return {
      'messaging.system': 'clusterpack',
      'messaging.operation.name': operation,
      'messaging.operation.type': operation === 'process' ? 'process' : 'send',
      'messaging.destination.name': pattern,
      'messaging.client.id': this.#node.local.id,
      'clusterpack.cluster': this.#node.clusterName,
      'clusterpack.member.id': member?.id,
      'clusterpack.member.name': member?.name,
    };
  }

  #failed(span: OpenTelemetry.Span, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    span.recordException(error instanceof Error ? error : message);
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
    span.setAttribute('error.type', typeOf(error));
    if (!(error instanceof RemoteError)) return;
    span.setAttribute('clusterpack.reply.code', error.remoteCode);
    if (error.correlationId !== undefined)
      span.setAttribute('clusterpack.correlation.id', error.correlationId);
  }

  #end(span: OpenTelemetry.Span, describe: () => void): void {
    this.#guarded(() => {
      describe();
      span.end();
    });
  }

  /** Samplers, processors and propagators are users' code, too: what they throw must not look like the message's fault. */
  #guarded<T>(trace: () => T): T | undefined {
    try {
      return trace();
    } catch (error) {
      this.#log.warn('tracing', `Tracing of a message failed: ${clip(String(error))}`);
      return undefined;
    }
  }
}

/** A member, as far as a span tells of it. */
interface Peer {
  readonly id: string;
  readonly name: string;
}

const append: OpenTelemetry.TextMapSetter<Carried[]> = {
  set: (carried, name, value) => void carried.push([name, value]),
};

function ignore(): void {}

/** Of few kinds, so that they can be counted: our codes, and the names of others' errors. */
function typeOf(error: unknown): string {
  if (error instanceof ClusterError) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}
