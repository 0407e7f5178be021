import type {
  BroadcastOptions,
  BroadcastOutcome,
  Recipient,
  SendOptions,
} from '../../membership/membership.js';
import type { Dispatcher } from '../messaging/dispatcher.js';
import { Messenger, type MessengerOptions } from '../messaging/messenger.js';
import type { MessengerNode } from '../messaging/outbox.js';
import { TracedRequester } from './traced-requester.js';
import type { Tracing } from './tracing.js';
import { withHeaders } from './with-headers.js';

/** A messenger with a span around each call. */
export class TracedMessenger extends Messenger {
  readonly #tracing: Tracing;

  constructor(node: MessengerNode, options: MessengerOptions, dispatcher: Dispatcher, tracing: Tracing) {
    super(node, options, dispatcher, (...given) => new TracedRequester(tracing, ...given));
    this.#tracing = tracing;
  }

  override send(to: Recipient, payload: Uint8Array, options?: SendOptions): Promise<void> {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return super.send(to, payload, options);
    return tracer.sendToOne('send', undefined, to, options?.headers, (headers) =>
      super.send(to, payload, withHeaders(options, headers)),
    );
  }

  override broadcast(payload: Uint8Array, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return super.broadcast(payload, options);
    return tracer.sendToAll(undefined, options?.headers, (headers) =>
      super.broadcast(payload, withHeaders(options, headers)),
    );
  }

  override emit(to: Recipient, pattern: string, data: unknown, options?: SendOptions): Promise<void> {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return super.emit(to, pattern, data, options);
    return tracer.sendToOne('send', pattern, to, options?.headers, (headers) =>
      super.emit(to, pattern, data, withHeaders(options, headers)),
    );
  }

  override emitAll(pattern: string, data: unknown, options?: BroadcastOptions): Promise<BroadcastOutcome> {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return super.emitAll(pattern, data, options);
    return tracer.sendToAll(pattern, options?.headers, (headers) =>
      super.emitAll(pattern, data, withHeaders(options, headers)),
    );
  }
}
