import { machineMs } from './machine-clock.js';
import type { Verdict } from './watched-node.js';

interface Span {
  readonly id: string;
  readonly fromMs: number;
  toMs: number;
}

/** Members that were killed or stopped: whoever else is held unreachable is so by mistake. */
export class Condemned {
  /** A member that was stopped can be stopped again. */
  readonly #spans: Span[] = [];

  /** From now on a member does not answer. */
  add(id: string): number {
    const fromMs = machineMs();
    this.#spans.push({ id, fromMs, toMs: Number.POSITIVE_INFINITY });
    return fromMs;
  }

  /** From now on it answers again. */
  pardon(id: string): number {
    const nowMs = machineMs();
    for (const span of this.#spans) if (span.id === id) span.toMs = Math.min(span.toMs, nowMs);
    return nowMs;
  }

  mistakes(verdicts: readonly Verdict[]): number {
    return verdicts.filter(
      ({ about, atMs }) =>
        !this.#spans.some(({ id, fromMs, toMs }) => id === about && atMs >= fromMs && atMs <= toMs),
    ).length;
  }
}
