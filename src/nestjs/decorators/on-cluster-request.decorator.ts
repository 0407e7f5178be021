import type { Pattern } from '../../cluster/messaging/contracts.js';
import { addHandler, type ClusterMessageHandlerOptions } from '../handlers/handler-metadata.js';

/**
 * Answers requests of a pattern: the method gets `(data, message)`, and what it returns (or resolves with, or the
 * last value of an Observable) is the reply. Exactly one method per pattern and cluster; a second one stops the
 * start.
 *
 * Throw a `ClusterException`, an `RpcException` or an `HttpException` below 500 to tell the caller something. Of
 * any other error the caller learns a correlation id, which is in this node's log.
 *
 * @param pattern without `*` and `>`, which are reserved
 * @publicApi
 */
export function OnClusterRequest(
  pattern: Pattern,
  options: ClusterMessageHandlerOptions = {},
): MethodDecorator {
  const { cluster, concurrency, order } = options;
  return addHandler({ kind: 'request', pattern, cluster, concurrency, order });
}
