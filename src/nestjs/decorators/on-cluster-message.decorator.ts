import type { Pattern } from '../../cluster/messaging/contracts.js';
import { addHandler, type ClusterMessageHandlerOptions } from '../handlers/handler-metadata.js';

/**
 * Runs a method for each message of a pattern that `emit` or `emitAll` sent here. It gets `(data, message)`; what
 * it returns is ignored. Any number of methods may handle one pattern.
 *
 * Without a pattern it gets the raw bytes of `send` and `broadcast`.
 *
 * @param pattern without `*` and `>`, which are reserved
 * @publicApi
 */
export function OnClusterMessage(pattern?: Pattern, options?: ClusterMessageHandlerOptions): MethodDecorator;
/** Raw bytes of a named cluster. @publicApi */
export function OnClusterMessage(options: ClusterMessageHandlerOptions): MethodDecorator;
export function OnClusterMessage(
  patternOrOptions?: string | ClusterMessageHandlerOptions,
  options: ClusterMessageHandlerOptions = {},
): MethodDecorator {
  const isOptions = typeof patternOrOptions === 'object' && patternOrOptions !== null;
  const { cluster, concurrency, order } = isOptions ? patternOrOptions : options;
  return addHandler({
    kind: 'message',
    pattern: isOptions ? undefined : patternOrOptions,
    cluster,
    concurrency,
    order,
  });
}
