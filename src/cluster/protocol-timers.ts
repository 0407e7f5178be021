import { Heap } from '@datastructures-js/heap';
import { dueAtMs, type Clock, type Timer } from '../clock.js';
import type { ProtocolTimer } from '../membership/protocol.js';

/** A timer later than this says that the event loop stood still (decisions 8). */
export const STALL_THRESHOLD_MS = 50;

/**
 * A deadline this near has come, and the clock moves there: adding and taking off what it is held back by rounds, and a
 * wake that finds its deadline a trillionth of a millisecond away would arm itself for now, for ever.
 */
const ROUNDING_MS = 0.001;

/** A sleep of the machine shorter than this is not told: uptime is coarse, and nobody misses anything. */
const SLEEP_THRESHOLD_MS = 1000;

/** Fewer cancelled timers than this are not worth rebuilding the queue for. */
const MIN_CANCELLED_TO_COMPACT = 64;

/** Who is told. Called one at a time, never from within a method of {@link ProtocolTimers}. */
export interface ProtocolTimersListener {
  /** A timer's time has come. `lateMs` is measured before the clock was held back. */
  fire(timer: ProtocolTimer, lateMs: number): void;
  /**
   * The event loop stood still for this long, or the machine slept; said before the timers that come after it fire.
   */
  stalled(ms: number): void;
}

interface Entry {
  readonly timer: ProtocolTimer;
  /** On the held-back clock. Unused by an entry that waits for a poll. */
  readonly deadlineMs: number;
  readonly sequence: number;
  cancelled: boolean;
  readonly inQueue: boolean;
}

function inOrder(a: Entry, b: Entry): number {
  return a.deadlineMs - b.deadlineMs || a.sequence - b.sequence;
}

/**
 * A protocol's timers and its clock, which stands still while the event loop does (decisions 8).
 *
 * The earliest pending deadline is the only witness of a stall: when the clock is seen more than
 * {@link STALL_THRESHOLD_MS} past it, the excess is taken off `now()`. That timer then fires late; every later one
 * keeps the time that it had left. Whoever looks at the clock first does the accounting, so `now()` never runs
 * backwards. One timer of the underlying clock serves all.
 */
export class ProtocolTimers {
  readonly #clock: Clock;
  readonly #listener: ProtocolTimersListener;
  readonly #entries = new Map<string, Map<number, Entry>>();
  #queue = new Heap<Entry>(inOrder);
  #cancelledInQueue = 0;
  #sequence = 0;
  /** How far this clock lies behind the underlying one. */
  #heldBackMs = 0;
  /** What `now()` said last: it must not say less next time. */
  #lastNowMs = Number.NEGATIVE_INFINITY;
  /** Stall that was taken off the clock and not told yet, and where the clock stood then. */
  #untoldStallMs = 0;
  #stoodAtMs = Number.NEGATIVE_INFINITY;
  /** How much of the machine's sleep has been told. */
  #toldSleepMs: number;
  #armed: { readonly atMs: number; readonly timer: Timer } | undefined;
  #firing = false;
  #stopped = false;

  constructor(clock: Clock, listener: ProtocolTimersListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#toldSleepMs = clock.sleptMs?.() ?? 0;
  }

  /** How many timers are pending. */
  get pending(): number {
    let pending = 0;
    for (const ofKind of this.#entries.values()) pending += ofKind.size;
    return pending;
  }

  /** Milliseconds, monotonic; stands still while the event loop does. At or after the deadline of a timer that fires. */
  now(): number {
    const nowMs = this.#unaccountedMs();
    const earliest = this.#earliest();
    if (earliest === undefined || nowMs - earliest.deadlineMs <= STALL_THRESHOLD_MS)
      return (this.#lastNowMs = nowMs);
    const standsAtMs = Math.max(earliest.deadlineMs, this.#lastNowMs);
    this.#heldBackMs += nowMs - standsAtMs;
    this.#untoldStallMs += nowMs - standsAtMs;
    this.#stoodAtMs = standsAtMs;
    return (this.#lastNowMs = standsAtMs);
  }

  /** What `now()` would say, without the accounting: looking changes nothing. For those who check the node. */
  peek(): number {
    const nowMs = this.#unaccountedMs();
    const earliest = this.#earliest();
    if (earliest === undefined || nowMs - earliest.deadlineMs <= STALL_THRESHOLD_MS) return nowMs;
    return Math.max(earliest.deadlineMs, this.#lastNowMs);
  }

  /** Fires once, `delayMs` or later from now. A pending timer of the same kind and token is replaced. */
  after(delayMs: number, timer: ProtocolTimer): void {
    if (this.#stopped) return;
    this.cancel(timer);
    const entry = this.#add(timer, dueAtMs(this.now(), delayMs), true);
    this.#queue.push(entry);
    this.#arm();
  }

  /** Fires once, with lateness 0, after one whole pass of input polling. Replaces as `after` does. */
  afterPoll(timer: ProtocolTimer): void {
    if (this.#stopped) return;
    this.cancel(timer);
    const entry = this.#add(timer, 0, false);
    this.#clock.afterPoll(() => {
      if (entry.cancelled) return;
      this.#remove(entry);
      this.#listener.fire(entry.timer, 0);
    });
  }

  /** Does nothing when no such timer is pending. */
  cancel(timer: ProtocolTimer): void {
    const entry = this.#entries.get(timer.kind)?.get(timer.token);
    if (entry === undefined) return;
    this.#remove(entry);
    if (entry.inQueue) this.#forgetInQueue();
  }

  /** Cancels all. Nothing fires afterwards. Idempotent. */
  stop(): void {
    this.#stopped = true;
    for (const ofKind of this.#entries.values()) for (const entry of ofKind.values()) entry.cancelled = true;
    this.#entries.clear();
    this.#queue = new Heap<Entry>(inOrder);
    this.#cancelledInQueue = 0;
    this.#disarm();
  }

  /** The time, unless a stall has to be taken off. */
  #unaccountedMs(): number {
    return Math.max(this.#clock.now() - this.#heldBackMs, this.#lastNowMs);
  }

  #wake(): void {
    this.#armed = undefined;
    this.#firing = true;
    try {
      this.#tellSleep();
      this.#fireDue();
    } finally {
      this.#firing = false;
      this.#arm();
    }
  }

  /** Timers keep the time they had left when the machine fell asleep, so only this tells of it. */
  #tellSleep(): void {
    const sleptMs = (this.#clock.sleptMs?.() ?? 0) - this.#toldSleepMs;
    if (sleptMs < SLEEP_THRESHOLD_MS) return;
    this.#toldSleepMs += sleptMs;
    this.#listener.stalled(sleptMs);
  }

  /** Only what is pending now fires, so that a timer of 0 ms cannot keep the loop for itself. */
  #fireDue(): void {
    const firstNew = this.#sequence;
    let stallMs = 0;
    for (;;) {
      const nowMs = this.now();
      const newStallMs = this.#untoldStallMs;
      this.#untoldStallMs = 0;
      stallMs += newStallMs;
      if (newStallMs > 0) this.#listener.stalled(newStallMs);
      const entry = this.#earliest();
      if (entry === undefined || entry.deadlineMs > nowMs + ROUNDING_MS || entry.sequence >= firstNew) return;
      this.#queue.pop();
      this.#remove(entry);
      this.#lastNowMs = Math.max(nowMs, entry.deadlineMs);
      const wasLate = entry.deadlineMs <= this.#stoodAtMs;
      this.#listener.fire(entry.timer, Math.max(0, nowMs - entry.deadlineMs) + (wasLate ? stallMs : 0));
    }
  }

  #add(timer: ProtocolTimer, deadlineMs: number, inQueue: boolean): Entry {
    const entry: Entry = { timer, deadlineMs, sequence: this.#sequence++, cancelled: false, inQueue };
    let ofKind = this.#entries.get(timer.kind);
    if (ofKind === undefined) this.#entries.set(timer.kind, (ofKind = new Map()));
    ofKind.set(timer.token, entry);
    return entry;
  }

  #remove(entry: Entry): void {
    entry.cancelled = true;
    this.#entries.get(entry.timer.kind)?.delete(entry.timer.token);
  }

  /** The earliest entry that was not cancelled. */
  #earliest(): Entry | undefined {
    let earliest = this.#queue.top() ?? undefined;
    while (earliest?.cancelled) {
      this.#queue.pop();
      this.#cancelledInQueue--;
      earliest = this.#queue.top() ?? undefined;
    }
    return earliest;
  }

  /** Cancelled entries leave when their turn comes, or all at once when they are the greater part. */
  #forgetInQueue(): void {
    this.#cancelledInQueue++;
    if (this.#cancelledInQueue < MIN_CANCELLED_TO_COMPACT || this.#cancelledInQueue * 2 < this.#queue.size())
      return;
    this.#queue = Heap.heapify(
      this.#queue.toArray().filter((entry) => !entry.cancelled),
      inOrder,
    );
    this.#cancelledInQueue = 0;
  }

  /** Sets the one underlying timer for the earliest deadline, unless it is set early enough already. */
  #arm(): void {
    if (this.#firing || this.#stopped) return;
    const earliest = this.#earliest();
    if (earliest === undefined) return;
    const atMs = earliest.deadlineMs + this.#heldBackMs;
    if (this.#armed !== undefined && this.#armed.atMs <= atMs) return;
    this.#disarm();
    const delayMs = Math.max(0, atMs - this.#clock.now());
    this.#armed = { atMs, timer: this.#clock.setTimer(delayMs, () => this.#wake()) };
  }

  #disarm(): void {
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }
}
