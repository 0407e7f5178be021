import { Dispatcher, type DispatcherNode } from '../messaging/dispatcher.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from '../messaging/handlers.js';
import type { Tracing } from './tracing.js';

/** A dispatcher with a span around each handler's call, also of handlers that were there before the tracer was. */
export class TracedDispatcher extends Dispatcher {
  readonly #tracing: Tracing;

  constructor(node: DispatcherNode, concurrency: number, tracing: Tracing) {
    super(node, concurrency);
    this.#tracing = tracing;
  }

  override onMessage(
    pattern: string | undefined,
    handler: MessageHandler,
    options?: HandlerOptions,
  ): () => void {
    return super.onMessage(pattern, this.#traced(handler, options), options);
  }

  override onRequest(pattern: string, handler: RequestHandler, options?: HandlerOptions): () => void {
    return super.onRequest(pattern, this.#traced(handler, options), options);
  }

  #traced(handler: MessageHandler, options: HandlerOptions | undefined): MessageHandler {
    return (data, message) => {
      const { tracer } = this.#tracing;
      if (tracer === undefined) return handler(data, message);
      return tracer.handle(options?.name, message, () => handler(data, message));
    };
  }
}
