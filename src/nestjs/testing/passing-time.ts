import type { VirtualClock } from '../../simulation/clock/virtual-clock.js';
import { RealTime } from './real-time.js';

/** Once virtual time has to go on without knowing what for, it looks at real time again after so much of it. */
const STRIDE_MS = 1000;

/** What is real and quick (a file, a `setImmediate`) is waited for before virtual time goes on without it. */
export const QUICK_MS = 500;
/** Virtual time that may pass until what has begun comes to an end: it might wait for a member's end, or return. */
export const FINISH_MS = 120_000;

/** How long to wait for something, and in which time. */
export interface Patience {
  /** Real milliseconds during which virtual time stands still, unless a node waits for it. */
  readonly holdMs: number;
  /** Virtual milliseconds that may pass then. */
  readonly virtualMs: number;
  /** Real milliseconds in all: after the virtual ones the rest of these. */
  readonly realMs: number;
}

/**
 * Waits for something that depends on virtual time, on real time, or on both, and nobody can tell which: a promise says
 * not what it waits for. Known is only whether a node has a call under way, which virtual time brings to an end.
 *
 * @param isDone asked after every event, when all promises have settled that can
 * @param nodesWait whether a node has a call under way
 * @returns whether it was done in time
 */
export async function passTime(
  clock: VirtualClock,
  isDone: () => boolean,
  nodesWait: () => boolean,
  { holdMs, virtualMs, realMs }: Patience,
): Promise<boolean> {
  const real = new RealTime();
  const endMs = clock.now() + virtualMs;
  const holds = (): boolean => !nodesWait() && real.waitedMs < holdMs;
  for (;;) {
    // Also lets promises settle.
    await clock.advanceUntil(() => isDone() || holds(), Math.min(STRIDE_MS, endMs - clock.now()));
    if (isDone()) return true;
    if (holds()) await real.turn();
    else if (clock.now() < endMs) continue;
    else if (real.waitedMs < realMs) await real.turn();
    else return false;
  }
}

/** Tells whether a promise has settled. */
export function hasSettled(promise: PromiseLike<unknown>): () => boolean {
  let settled = false;
  const mark = (): void => void (settled = true);
  promise.then(mark, mark);
  return () => settled;
}
