import type { ArgumentsHost } from '@nestjs/common';

/** The context type of everything that runs for a cluster handler: `host.getType() === 'cluster'`. @publicApi */
export const CLUSTER_CONTEXT = 'cluster';

/**
 * Whether a guard, interceptor or filter runs for a cluster handler. Every global one that reads an HTTP request
 * begins with it, since here the "request" is whatever a peer sent:
 *
 * ```ts
 * canActivate(context: ExecutionContext) {
 *   if (isClusterContext(context)) return true;
 *   …
 * ```
 *
 * The data is `host.switchToRpc().getData()`, the `ClusterMessage` (or `MembershipEvent`) is `getContext()`.
 *
 * @publicApi
 */
export function isClusterContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === CLUSTER_CONTEXT;
}
