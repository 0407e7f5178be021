/**
 * Where a node writes what it sees. Nest's `Logger` fits; so do console and pino.
 *
 * `log`: bound, joined, left. `warn`: unreachable members, refused peers, back-pressure. `debug`: suspicion,
 * sync. `error`: what needs somebody. Never a payload, never a secret, never a line per message.
 *
 * @publicApi
 */
export interface ClusterLogger {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string, cause?: unknown): void;
}

/** A logger that says nothing; the default of `clusterpack/core`. @publicApi */
export const silentLogger: ClusterLogger = {
  debug() {},
  log() {},
  warn() {},
  error() {},
};
