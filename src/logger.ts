/**
 * Where a node writes what it sees. Nest's `Logger` fits; so do console and pino.
 *
 * `log`: bound, joined, left. `warn`: unreachable members, refused peers, back-pressure. `debug`: suspicion,
 * sync. `error`: what needs somebody. Never a payload, never a secret, never a line per message.
 *
 * @publicApi
 */
export interface ClusterLogger {
  /** Suspicion, sync, links. */
  debug(message: string): void;
  /** What happens in the life of every cluster. */
  log(message: string): void;
  /** What somebody should look at some day. */
  warn(message: string): void;
  /** What needs somebody; `cause` is the error behind it, if there is one. */
  error(message: string, cause?: unknown): void;
}

/** A logger that says nothing; the default of `clusterpack/core`. @publicApi */
export const silentLogger: ClusterLogger = {
  debug() {},
  log() {},
  warn() {},
  error() {},
};
