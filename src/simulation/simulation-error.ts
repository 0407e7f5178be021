import { ClusterError } from '../errors.js';

/**
 * A simulation was driven wrongly, waited in vain, or broke an invariant. The message carries seed and trace.
 *
 * @publicApi
 */
export class SimulationError extends ClusterError {
  readonly code = 'CLUSTER_SIMULATION';
}
