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
 * With `const rpc = host.switchToRpc()`, in the handlers of messages and requests `rpc.getData()` is the data and
 * `rpc.getContext()` the `ClusterMessage`; in every member handler (`@OnMemberJoined` …, `@OnMembershipEvent`) they
 * are the `Member` and the `MembershipEvent`.
 *
 * @publicApi
 */
export function isClusterContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === CLUSTER_CONTEXT;
}
