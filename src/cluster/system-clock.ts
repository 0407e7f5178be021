import type { Clock, Timer } from '../clock.js';
import { MachineSleep } from './machine-sleep.js';

/** A {@link Clock} on Node's own timers. */
export interface SystemClock extends Clock {
  /** Pending and future timers keep the process alive. */
  ref(): void;
  /** Pending and future timers do not keep the process alive. */
  unref(): void;
}

/** Node fires a longer delay after 1 ms instead; such timers are set again until their time has come. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Real time: `performance.now`, `setTimeout`, `setImmediate`.
 *
 * A timer never fires before its time (Node's own may, by up to 1 ms, since it counts whole milliseconds), so
 * lateness is never negative.
 *
 * @param options.unref start without keeping the process alive; a Nest application calls `ref()` at bootstrap
 */
export function systemClock(options: { readonly unref?: boolean } = {}): SystemClock {
  return new NodeClock(options.unref !== true);
}

class NodeClock implements SystemClock {
  private readonly pending = new Set<NodeTimer | NodeJS.Immediate>();
  private readonly sleep = new MachineSleep();

  constructor(private keepsAlive: boolean) {}

  now(): number {
    return performance.now();
  }

  sleptMs(): number {
    return this.sleep.totalMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = new NodeTimer(this.now() + Math.max(0, delayMs), callback, this);
    this.pending.add(timer);
    timer.arm();
    return timer;
  }

  afterPoll(callback: () => void): void {
    // The first immediate may run in this very loop iteration, before the next poll; the second cannot.
    this.immediate(() => this.immediate(callback));
  }

  ref(): void {
    this.keepsAlive = true;
    for (const item of this.pending) item.ref();
  }

  unref(): void {
    this.keepsAlive = false;
    for (const item of this.pending) item.unref();
  }

  /** @internal Called by timers. */
  done(timer: NodeTimer): void {
    this.pending.delete(timer);
  }

  /** @internal Called by timers. */
  apply<T extends { unref(): unknown }>(handle: T): T {
    if (!this.keepsAlive) handle.unref();
    return handle;
  }

  private immediate(callback: () => void): void {
    const handle: NodeJS.Immediate = setImmediate(() => {
      this.pending.delete(handle);
      callback();
    });
    this.pending.add(this.apply(handle));
  }
}

class NodeTimer implements Timer {
  private timeout: NodeJS.Timeout | undefined;

  constructor(
    private readonly dueMs: number,
    private readonly callback: () => void,
    private readonly clock: NodeClock,
  ) {}

  arm(): void {
    const restMs = Math.min(Math.ceil(this.dueMs - this.clock.now()), MAX_TIMEOUT_MS);
    this.timeout = this.clock.apply(setTimeout(() => this.fire(), restMs));
  }

  cancel(): void {
    clearTimeout(this.timeout);
    this.clock.done(this);
  }

  ref(): void {
    this.timeout?.ref();
  }

  unref(): void {
    this.timeout?.unref();
  }

  private fire(): void {
    if (this.clock.now() < this.dueMs) {
      this.arm();
      return;
    }
    this.clock.done(this);
    this.callback();
  }
}
