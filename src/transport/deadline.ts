import type { Clock, Timer } from '../clock.js';

/** A timer later than this says that the event loop stood still (decisions 8). */
const LATE_MS = 50;

/**
 * Calls back when a time has passed, like a timer of the clock. But after a stall what has arrived meanwhile is read first:
 * an answer that is here already cancels the deadline, however late its reader is.
 */
export function setDeadline(
  clock: Pick<Clock, 'now' | 'setTimer' | 'afterPoll'>,
  delayMs: number,
  expired: () => void,
): Timer {
  const dueMs = clock.now() + Math.max(0, delayMs);
  let isCancelled = false;
  const timer = clock.setTimer(delayMs, () => {
    if (clock.now() - dueMs <= LATE_MS) return expired();
    clock.afterPoll(() => {
      if (!isCancelled) expired();
    });
  });
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };
}
