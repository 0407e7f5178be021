import type { Clock } from './clock.js';
import type { ClusterLogger } from './logger.js';

const QUIET_MS = 10_000;
const MAX_SUBJECTS = 256;

/**
 * Writes a repeated line once and then at most every ten seconds, with the number of repeats: a hostile or broken
 * peer must not fill the log.
 */
export class ThrottledLog {
  readonly #subjects = new Map<string, { quietUntil: number; swallowed: number }>();

  constructor(
    private readonly logger: Pick<ClusterLogger, 'warn' | 'debug'>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** @param subject lines with the same subject count as repeats of each other */
  warn(subject: string, line: string): void {
    const count = this.#count(subject);
    if (count !== undefined) this.logger.warn(count > 0 ? `${line} (and ${count} more like this)` : line);
  }

  debug(subject: string, line: string): void {
    const count = this.#count(subject);
    if (count !== undefined) this.logger.debug(count > 0 ? `${line} (and ${count} more like this)` : line);
  }

  /** Undefined: stay quiet. Otherwise how many were swallowed since the last line. */
  #count(subject: string): number | undefined {
    const now = this.clock.now();
    const known = this.#subjects.get(subject);
    if (known !== undefined && now < known.quietUntil) {
      known.swallowed++;
      return undefined;
    }
    const swallowed = known?.swallowed ?? 0;
    this.#subjects.delete(subject);
    if (this.#subjects.size >= MAX_SUBJECTS) this.#subjects.delete(this.#subjects.keys().next().value!);
    this.#subjects.set(subject, { quietUntil: now + QUIET_MS, swallowed: 0 });
    return swallowed;
  }
}
