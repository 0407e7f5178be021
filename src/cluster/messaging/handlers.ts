import type { ClusterMessage } from './cluster-message.js';
import type { DataOf, ReplyOf } from './contracts.js';

/**
 * Handles a message; what it returns is ignored, a rejection is caught, logged once and counted. `P` is the pattern
 * (undefined: the raw bytes of `send` and `broadcast`), so that `data` has the type that `ClusterContracts` says.
 *
 * @publicApi
 */
export type MessageHandler<P = string> = (data: DataOf<P>, message: ClusterMessage<DataOf<P>>) => unknown;

/**
 * Answers a request with what it returns (or resolves with). Throw a `ReplyError` to tell the caller something;
 * anything else reaches it as an opaque `INTERNAL` with a correlation id that is in this node's log. `P` is the
 * pattern, so that `data` and the reply have the types that `ClusterContracts` says.
 *
 * @publicApi
 */
export type RequestHandler<P = string> = (
  data: DataOf<P>,
  message: ClusterMessage<DataOf<P>>,
) => ReplyOf<P> | PromiseLike<ReplyOf<P>>;

/** In which order a handler's calls run. @publicApi */
export type HandlerOrder = 'per-sender';

/** How a handler is run. @publicApi */
export interface HandlerOptions {
  /** How many calls may run at once, an integer from 1 on; more hold the senders back. Default: `limits.handlerConcurrency`, 256. */
  readonly concurrency?: number | undefined;
  /**
   * `'per-sender'`: the calls of one sender run strictly one after the other, each when the promise of the one before
   * has settled (and, of a request, its answer has arrived or cannot). Different senders run at once, up to
   * `concurrency`, and one that waits takes no place from another. Default: calls start in the order in which they came
   * and are not awaited.
   *
   * **Two nodes that request each other can wait for each other.** When such a handler requests the same pattern of its
   * caller, and the caller's handler does likewise, each call waits behind the one that waits for it; so does a handler
   * that requests itself. Nothing but the timeout of the requests ends that. Let such a handler send a message in place
   * of the request, or request a pattern whose handler has no order.
   */
  readonly order?: HandlerOrder | undefined;
  /** A name for logs, errors and `stats.handlers`, for example `Prices.find`. */
  readonly name?: string | undefined;
}
