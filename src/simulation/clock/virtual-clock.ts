import { Heap } from '@datastructures-js/heap';
import type { Clock, Timer } from '../../clock.js';
import { SimulationError } from '../simulation-error.js';

/** More events than this at one instant are a loop that never lets time pass. */
const MAX_EVENTS_PER_INSTANT = 5_000_000;

/** Fewer cancelled events than this are not worth rebuilding the queue for. */
const MIN_CANCELLED_TO_COMPACT = 1024;

/** Timers of one instant come before its polls, as in libuv: "after everything that is due now". */
const TIMER_PHASE = 0;
const POLL_PHASE = 1;

interface Scheduled {
  readonly atMs: number;
  readonly phase: number;
  readonly sequence: number;
  callback: (() => void) | undefined;
}

function inOrder(a: Scheduled, b: Scheduled): number {
  return a.atMs - b.atMs || a.phase - b.phase || a.sequence - b.sequence;
}

/**
 * Time that passes only when told to. Events of one instant happen in the order in which they were set, so a
 * run depends on nothing but its inputs.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  #cancelled = 0;
  #atThisInstant = 0;
  #queue = new Heap<Scheduled>(inOrder);

  constructor(originMs = 0) {
    this.#nowMs = originMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** How many events wait. */
  get pending(): number {
    return this.#queue.size() - this.#cancelled;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const scheduled = this.#schedule(this.#nowMs + Math.max(0, delayMs), TIMER_PHASE, callback);
    return { cancel: () => this.#cancel(scheduled) };
  }

  afterPoll(callback: () => void): void {
    this.#schedule(this.#nowMs, POLL_PHASE, callback);
  }

  /** Runs everything that is due within `ms` from now, at its own time, and stops `ms` from now. */
  runFor(ms: number): void {
    const endMs = this.#nowMs + ms;
    while (this.#step(endMs));
    this.#moveTo(endMs);
  }

  /**
   * Runs until the predicate holds, asked now and after every event, but not for longer than `maxMs`.
   *
   * @returns whether it came to hold
   */
  runUntil(predicate: () => boolean, maxMs: number): boolean {
    const endMs = this.#nowMs + maxMs;
    if (predicate()) return true;
    while (this.#step(endMs)) if (predicate()) return true;
    this.#moveTo(endMs);
    return false;
  }

  /** Like `runFor`, and lets promises settle before the first and after every event. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    do await settled();
    while (this.#step(endMs));
    this.#moveTo(endMs);
  }

  /** Like `runUntil`, and lets promises settle before each look at the predicate. */
  async advanceUntil(predicate: () => boolean, maxMs: number): Promise<boolean> {
    const endMs = this.#nowMs + maxMs;
    do {
      await settled();
      if (predicate()) return true;
    } while (this.#step(endMs));
    this.#moveTo(endMs);
    return false;
  }

  /** Runs the next event if it is due by `endMs`. */
  #step(endMs: number): boolean {
    const next = this.#next();
    if (next === undefined || next.atMs > endMs) return false;
    this.#queue.pop();
    this.#moveTo(next.atMs);
    if (++this.#atThisInstant > MAX_EVENTS_PER_INSTANT) {
      throw new SimulationError(
        `Virtual time stands still at ${this.#nowMs} ms: events keep setting events for now`,
      );
    }
    const callback = next.callback!;
    next.callback = undefined;
    callback();
    return true;
  }

  #moveTo(atMs: number): void {
    if (atMs <= this.#nowMs) return;
    this.#nowMs = atMs;
    this.#atThisInstant = 0;
  }

  /** The next event that was not cancelled. */
  #next(): Scheduled | undefined {
    let next = this.#queue.top() ?? undefined;
    while (next !== undefined && next.callback === undefined) {
      this.#queue.pop();
      this.#cancelled--;
      next = this.#queue.top() ?? undefined;
    }
    return next;
  }

  #schedule(atMs: number, phase: number, callback: () => void): Scheduled {
    const scheduled: Scheduled = { atMs, phase, sequence: this.#sequence++, callback };
    this.#queue.push(scheduled);
    return scheduled;
  }

  #cancel(scheduled: Scheduled): void {
    if (scheduled.callback === undefined) return;
    scheduled.callback = undefined;
    this.#cancelled++;
    if (this.#cancelled < MIN_CANCELLED_TO_COMPACT || this.#cancelled * 2 < this.#queue.size()) return;
    this.#queue = Heap.heapify(
      this.#queue.toArray().filter((waiting) => waiting.callback !== undefined),
      inOrder,
    );
    this.#cancelled = 0;
  }
}

/** Resolves when all promise callbacks that are ready, and those they make ready, have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
