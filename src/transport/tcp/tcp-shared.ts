import type { Clock } from '../../clock.js';
import type { ClusterLogger } from '../../logger.js';
import type { ArenaPool } from './arena-pool.js';
import type { TcpLink } from './tcp-link.js';
import type { TcpLimits } from './tcp-options.js';

/** What all links of one process part share. */
export interface TcpShared {
  readonly clock: Clock;
  readonly logger: ClusterLogger;
  readonly limits: TcpLimits;
  readonly arenas: ArenaPool;
  readonly links: Set<TcpLink>;
  bytesIn: number;
  bytesOut: number;
  /** Calls `link.turnEnded()` when everything that this turn of the loop brings has been handled. */
  atTurnEnd(link: TcpLink): void;
}
