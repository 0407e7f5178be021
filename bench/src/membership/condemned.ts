import { machineMs } from './machine-clock.js';
import type { Verdict } from './watched-node.js';

interface Span {
  readonly fromMs: number;
  toMs: number;
}

/** Members that were killed or stopped: whoever else is held unreachable is so by mistake. */
export class Condemned {
  readonly #spans = new Map<string, Span>();

  /** From now on a member does not answer. */
  add(id: string): number {
    const fromMs = machineMs();
    this.#spans.set(id, { fromMs, toMs: Number.POSITIVE_INFINITY });
    return fromMs;
  }

  /** From now on it answers again. */
  pardon(id: string): number {
    const nowMs = machineMs();
    const span = this.#spans.get(id);
    if (span !== undefined) span.toMs = nowMs;
    return nowMs;
  }

  mistakes(verdicts: readonly Verdict[]): number {
    return verdicts.filter(({ about, atMs }) => {
      const span = this.#spans.get(about);
      return span === undefined || atMs < span.fromMs || atMs > span.toMs;
    }).length;
  }
}
