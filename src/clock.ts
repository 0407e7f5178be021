/**
 * Time as everything below the application sees it. Injected wherever a deadline exists, so that tests and the
 * simulator run in virtual time.
 *
 * @publicApi
 */
export interface Clock {
  /** Milliseconds, monotonic, from an arbitrary origin. */
  now(): number;

  /** Calls back once, `delayMs` or later from now. By then `now()` has moved, however small a delay above 0 is. */
  setTimer(delayMs: number, callback: () => void): Timer;

  /**
   * Calls back after one whole pass of input polling, so that bytes which are already here are read first.
   * In virtual time: after everything that is due now.
   */
  afterPoll(callback: () => void): void;

  /** Milliseconds since 1970, as a wall clock says: it may jump. Default: the system's. */
  epochMs?(): number;

  /**
   * How long the machine has slept in all, in milliseconds, while `now()` stood still: monotonic clocks do on Linux.
   * Default: nobody can tell.
   */
  sleptMs?(): number;
}

/** A pending timer. Cancelling one that has fired or was cancelled does nothing. @publicApi */
export interface Timer {
  /** Nothing happens when it has fired or was cancelled. */
  cancel(): void;
}

/**
 * When a delay from now has passed. A delay above 0 never ends now, also where it is so small that the sum rounds to
 * now: who waits for the rest of its time would wait for the same rest again, for ever.
 */
export function dueAtMs(nowMs: number, delayMs: number): number {
  const atMs = nowMs + Math.max(0, delayMs);
  return delayMs > 0 && atMs === nowMs ? nowMs + Math.abs(nowMs) * Number.EPSILON : atMs;
}
