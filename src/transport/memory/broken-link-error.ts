import { ClusterError } from '../../errors.js';

/** The network lost a link. What was under way on it is lost; sessions resume on the next one. */
export class BrokenLinkError extends ClusterError {
  readonly code = 'CLUSTER_LINK_BROKEN';
}
