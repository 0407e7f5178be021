import type { Clock } from '../clock.js';

/** Milliseconds since 1970: the given clock's own, or the system's where it has none. */
export function epochMsOf(clock: Clock): number {
  return clock.epochMs?.() ?? Date.now();
}
