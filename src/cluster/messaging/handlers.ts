import type { ClusterMessage } from './cluster-message.js';

/** Handles a message; what it returns is ignored, a rejection is caught, logged once and counted. @publicApi */
export type MessageHandler = (data: unknown, message: ClusterMessage) => unknown;

/**
 * Answers a request with what it returns (or resolves with). Throw a `ReplyError` to tell the caller something;
 * anything else reaches it as an opaque `INTERNAL` with a correlation id that is in this node's log.
 *
 * @publicApi
 */
export type RequestHandler = (data: unknown, message: ClusterMessage) => unknown;

/** How a handler is run. @publicApi */
export interface HandlerOptions {
  /** How many may run at once; more hold the senders back. Default: `limits.handlerConcurrency`. */
  readonly concurrency?: number | undefined;
  /** A name for logs and errors, for example `Prices.find`. */
  readonly name?: string | undefined;
}
