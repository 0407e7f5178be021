import { dueAtMs, type Clock, type Timer } from '../../clock.js';
import { SimulationError } from '../simulation-error.js';
import { EventQueue } from './event-queue.js';

/** More events than this at one instant are too many, however they came about. */
const MAX_EVENTS_PER_INSTANT = 5_000_000;

/**
 * So many events, each of which set the next for now, are a loop that never lets time pass. Random scenarios need 150,
 * when a process that was stopped reads one by one what came meanwhile; the size of a cluster adds nothing.
 */
const MAX_CHAIN = 200_000;

/** What is set for as soon as this is set for now: a loop that creeps stands still as well. */
const NOW_MS = 0.001;

/** Calls that are named of those that set an event. */
const CALLS_TOLD = 6;

/** Fewer cancelled events than this are not worth rebuilding the queue for. */
const MIN_CANCELLED_TO_COMPACT = 1024;

/** Timers of one instant come before its polls, as in libuv: "after everything that is due now". */
const TIMER_PHASE = 0;
const POLL_PHASE = 1;

/** Something that can happen, as an object, where a closure for each would cost too much. */
export interface Task {
  happen(): void;
}

/** A task with a place in time. It can wait in one clock at a time, and again once it has happened. */
export abstract class Happening implements Task {
  /** @internal The clock's. */
  atMs = 0;
  /** @internal The clock's. */
  phase = TIMER_PHASE;
  /** @internal The clock's: the order among those of one instant. */
  sequence = 0;
  /** @internal The clock's. */
  isWaiting = false;
  /** @internal The clock's: how many events before it led here, each of which set the next for now. */
  chain = 0;

  abstract happen(): void;
}

const nothing = (): void => {};

class Call extends Happening implements Timer {
  readonly #clock: VirtualClock;
  #callback: () => void;

  constructor(clock: VirtualClock, callback: () => void) {
    super();
    this.#clock = clock;
    this.#callback = callback;
  }

  happen(): void {
    this.#callback();
  }

  /** It may stay in the queue for long; what it would have called back to need not. */
  cancel(): void {
    this.#callback = nothing;
    this.#clock.cancel(this);
  }
}

/**
 * Time that passes only when told to. Events of one instant happen in the order in which they were set, so a
 * run depends on nothing but its inputs.
 *
 * @publicApi
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  #cancelled = 0;
  #atThisInstant = 0;
  /** The place in its chain of the event that happens, or happened last. */
  #chain = 0;
  /** Thrown by the clock itself: where an event is set somebody could catch it who takes it for his own. */
  #standstill: SimulationError | undefined;
  readonly #queue = new EventQueue();

  constructor(originMs = 0) {
    this.#nowMs = originMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** How many events wait. */
  get pending(): number {
    return this.#queue.size - this.#cancelled;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const call = new Call(this, callback);
    this.schedule(delayMs, call);
    return call;
  }

  /** Lets a task happen once, `delayMs` from now, unless it is cancelled. It must not be waiting already. */
  schedule(delayMs: number, happening: Happening): void {
    this.#push(dueAtMs(this.#nowMs, delayMs), TIMER_PHASE, happening);
  }

  afterPoll(callback: () => void): void {
    this.#push(this.#nowMs, POLL_PHASE, new Call(this, callback));
  }

  /** Does nothing when it does not wait any more. */
  cancel(happening: Happening): void {
    if (!happening.isWaiting) return;
    happening.isWaiting = false;
    this.#cancelled++;
    if (this.#cancelled < MIN_CANCELLED_TO_COMPACT || this.#cancelled * 2 < this.#queue.size) return;
    this.#queue.retain(({ isWaiting }) => isWaiting);
    this.#cancelled = 0;
  }

  /** Runs everything that is due within `ms` from now, at its own time, and stops `ms` from now. */
  runFor(ms: number): void {
    const endMs = this.#begin(ms);
    while (this.#step(endMs));
    this.#moveTo(endMs);
  }

  /**
   * Runs until the predicate holds, asked now and after every event, but not for longer than `maxMs`.
   *
   * @returns whether it came to hold
   */
  runUntil(predicate: () => boolean, maxMs: number): boolean {
    const endMs = this.#begin(maxMs);
    if (predicate()) return true;
    while (this.#step(endMs)) if (predicate()) return true;
    this.#moveTo(endMs);
    return false;
  }

  /** Like `runFor`, and lets promises settle before the first and after every event. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#begin(ms);
    do await settled();
    while (this.#step(endMs));
    this.#moveTo(endMs);
  }

  /** Like `runUntil`, and lets promises settle before each look at the predicate. */
  async advanceUntil(predicate: () => boolean, maxMs: number): Promise<boolean> {
    const endMs = this.#begin(maxMs);
    do {
      await settled();
      if (predicate()) return true;
    } while (this.#step(endMs));
    this.#moveTo(endMs);
    return false;
  }

  /** Whoever lets time pass begins a chain of his own. */
  #begin(ms: number): number {
    this.#chain = 0;
    return this.#nowMs + ms;
  }

  /** Runs the next event if it is due by `endMs`. */
  #step(endMs: number): boolean {
    const next = this.#next();
    if (next === undefined || next.atMs > endMs) return false;
    this.#moveTo(next.atMs);
    if (++this.#atThisInstant > MAX_EVENTS_PER_INSTANT) this.#standsStill('too many events happen');
    if (this.#standstill !== undefined) throw this.#standstill;
    this.#queue.pop();
    this.#chain = next.chain;
    next.isWaiting = false;
    next.happen();
    return true;
  }

  #standsStill(why: string): void {
    this.#standstill ??= new SimulationError(`Virtual time stands still at ${this.#nowMs} ms: ${why}`);
  }

  #moveTo(atMs: number): void {
    if (atMs <= this.#nowMs) return;
    this.#nowMs = atMs;
    this.#atThisInstant = 0;
  }

  /** The next event that was not cancelled. */
  #next(): Happening | undefined {
    let next = this.#queue.first;
    while (next !== undefined && !next.isWaiting) {
      this.#queue.pop();
      this.#cancelled--;
      next = this.#queue.first;
    }
    return next;
  }

  #push(atMs: number, phase: number, happening: Happening): void {
    happening.atMs = atMs;
    happening.phase = phase;
    happening.sequence = this.#sequence++;
    happening.isWaiting = true;
    happening.chain = atMs - this.#nowMs < NOW_MS ? this.#chain + 1 : 0;
    if (happening.chain > MAX_CHAIN) {
      this.#standsStill(`${MAX_CHAIN} events in a row set another one for now, the last in ${callers()}`);
    }
    this.#queue.push(happening);
  }
}

/** The calls that led here, the innermost first, without those of the clocks. */
function callers(): string {
  const here = { stack: '' };
  Error.captureStackTrace(here);
  return here.stack
    .split('\n')
    .filter((line) => /^ +at /.test(line) && !/[\\/](?:event-loop|virtual-clock)\.[jt]s:/.test(line))
    .slice(0, CALLS_TOLD)
    .map((line) => line.replace(/^ +at (?:async )?/, '').replace(/\(?[^ ()]*[\\/]([^\\/)]*)\)?$/, '$1'))
    .join(' < ');
}

/** Resolves when all promise callbacks that are ready, and those they make ready, have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
