import type { Clock } from '../clock.js';

/** How long and how to wait. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** The error after `timeoutMs`. */
  late(afterMs: number): Error;
}

interface Waiter {
  readonly isTrue: () => boolean;
  readonly settle: (error?: unknown) => void;
}

/** Callers that wait until a condition holds. Whoever changes what the conditions depend on calls `check`. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  constructor(private readonly clock: Clock) {}

  /** Resolves when the condition holds, at once if it does. */
  wait(isTrue: () => boolean, options: WaitOptions): Promise<void> {
    const { signal, timeoutMs } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = (): void => waiter.settle(signal!.reason);
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.clock.setTimer(timeoutMs, () => waiter.settle(options.late(timeoutMs)));
      const waiter: Waiter = {
        isTrue,
        settle: (error) => {
          this.#waiting.delete(waiter);
          timer?.cancel();
          signal?.removeEventListener('abort', abort);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiter);
    });
  }

  check(): void {
    for (const waiter of this.#waiting) if (waiter.isTrue()) waiter.settle();
  }

  /** Rejects all. */
  close(error: Error): void {
    for (const waiter of this.#waiting) waiter.settle(error);
  }
}
