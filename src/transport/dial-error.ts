import { formatAddress, type Address } from '../address.js';
import { ClusterError } from '../errors.js';

/** No link came of a dial. Nothing was sent; `cause` has the system's error, if there is one. */
export class DialError extends ClusterError {
  readonly code = 'CLUSTER_DIAL';
  constructor(
    readonly address: Address,
    problem: string,
    options?: { cause?: unknown },
  ) {
    super(`Cannot reach ${formatAddress(address)}: ${problem}`, options);
  }
}
