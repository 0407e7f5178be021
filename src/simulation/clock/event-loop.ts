import { dueAtMs, type Clock, type Timer } from '../../clock.js';
import { Happening, type Task, type VirtualClock } from './virtual-clock.js';

/** What a loop that waits for its turn does next, in libuv's order. */
type Phase = 'timers' | 'input' | 'polls';

/**
 * One process's event loop in virtual time. It can be frozen (SIGSTOP, a blocked loop), sleep with its machine, or be
 * slow: what falls due meanwhile happens afterwards, in libuv's order: timers, then input, then what waits for a poll.
 */
export class EventLoop implements Clock {
  readonly #world: VirtualClock;
  /** Why it is frozen; it goes on when the last reason is gone. */
  readonly #frozenBy = new Set<unknown>();
  #isDead = false;
  /** A callback runs, or its machine's share of time is used up by one. */
  #isBusy = false;
  #callbackMs = 0;
  #phase: Phase = 'polls';
  /** How many of its phase's callbacks are left in this turn: those that come meanwhile wait for the next. */
  #leftInPhase = 0;
  #asleepSinceMs: number | undefined;
  #sleptMs = 0;
  #lateTimers: LoopTimer[] = [];
  #lateInput: Task[] = [];
  #latePolls: (() => void)[] = [];

  constructor(world: VirtualClock) {
    this.#world = world;
  }

  /** Frozen, or asleep. */
  get isFrozen(): boolean {
    return this.#frozenBy.size > 0 && !this.#isDead;
  }

  /** Monotonic. Stands still while the machine sleeps, as on Linux. */
  now(): number {
    return (this.#asleepSinceMs ?? this.#world.now()) - this.#sleptMs;
  }

  sleptMs(): number {
    return this.#sleptMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = new LoopTimer(this, dueAtMs(this.now(), delayMs), callback);
    this.#world.schedule(delayMs, timer);
    return timer;
  }

  afterPoll(callback: () => void): void {
    this.#world.afterPoll(() => {
      if (this.#runs) this.#run(callback, 'polls');
      else if (!this.#isDead) this.#latePolls.push(callback);
    });
  }

  /** Input has arrived in the kernel: the process reads it now, or when it runs again. */
  input(callback: () => void): void {
    this.deliver({ happen: callback });
  }

  /** Like {@link input}, without a closure. */
  deliver(task: Task): void {
    if (!this.#runs) {
      if (!this.#isDead) this.#lateInput.push(task);
    } else if (this.#callbackMs === 0) task.happen();
    else this.#run(() => task.happen(), 'input');
  }

  /** Stands still. `by`: the reason, for those that overlap. */
  freeze(by: unknown = 'signal'): void {
    this.#frozenBy.add(by);
  }

  /** Takes one reason to stand still away. */
  thaw(by: unknown = 'signal'): void {
    if (!this.#frozenBy.delete(by) || this.#frozenBy.size > 0) return;
    // Its clock has jumped, so timers are looked at first.
    this.#phase = 'polls';
    this.#leftInPhase = 0;
    this.#catchUp();
  }

  /** Its machine sleeps: it stands still, and so does its clock, so that timers keep the time they had left. */
  sleep(): void {
    if (this.#asleepSinceMs !== undefined) return;
    this.#asleepSinceMs = this.#world.now();
    this.freeze('sleep');
  }

  wake(): void {
    if (this.#asleepSinceMs === undefined) return;
    this.#sleptMs += this.#world.now() - this.#asleepSinceMs;
    this.#asleepSinceMs = undefined;
    this.thaw('sleep');
  }

  /** From now on each callback takes so long; 0: no time, as usual. */
  slowDown(callbackMs: number): void {
    this.#callbackMs = callbackMs;
  }

  /** Nothing happens here any more. */
  kill(): void {
    this.#isDead = true;
    this.#lateTimers = [];
    this.#lateInput = [];
    this.#latePolls = [];
  }

  /** @internal A timer's time has come on the world's clock. */
  due(timer: LoopTimer): void {
    if (this.#isDead) return;
    if (!this.#runs) return void this.#lateTimers.push(timer);
    const earlyMs = timer.dueMs - this.now();
    if (earlyMs > 0) this.#world.schedule(earlyMs, timer);
    else this.#run(timer.callback, 'timers');
  }

  /** @internal */
  cancel(timer: LoopTimer): void {
    this.#world.cancel(timer);
  }

  get #runs(): boolean {
    return !this.#isDead && !this.#isBusy && this.#frozenBy.size === 0;
  }

  #run(callback: () => void, phase: Phase): void {
    if (this.#callbackMs === 0) return callback();
    if (this.#phase !== phase) this.#leftInPhase = 0;
    this.#phase = phase;
    this.#isBusy = true;
    this.#world.setTimer(this.#callbackMs, () => {
      this.#isBusy = false;
      this.#catchUp();
    });
    callback();
  }

  /** Does what waits, turn by turn, until it is busy or frozen again. */
  #catchUp(): void {
    while (this.#runs) {
      if (this.#leftInPhase === 0 && !this.#nextPhase()) return;
      this.#leftInPhase--;
      this.#runOne();
    }
  }

  #runOne(): void {
    if (this.#phase === 'timers') {
      const timer = this.#lateTimers.shift();
      // A late timer can still be cancelled by one that fires before it.
      if (timer !== undefined && !timer.isCancelled) this.due(timer);
    } else if (this.#phase === 'input') {
      const task = this.#lateInput.shift();
      if (task !== undefined) this.#run(() => task.happen(), 'input');
    } else {
      const callback = this.#latePolls.shift();
      if (callback !== undefined) this.afterPoll(callback);
    }
  }

  /** @returns whether anything waits in it, or in the ones after it */
  #nextPhase(): boolean {
    for (let tries = 0; tries < 3; tries++) {
      this.#phase = this.#phase === 'timers' ? 'input' : this.#phase === 'input' ? 'polls' : 'timers';
      this.#leftInPhase = this.#waitingIn(this.#phase);
      if (this.#leftInPhase > 0) return true;
    }
    this.#phase = 'polls';
    return false;
  }

  #waitingIn(phase: Phase): number {
    if (phase === 'timers') return this.#lateTimers.length;
    return phase === 'input' ? this.#lateInput.length : this.#latePolls.length;
  }
}

const nothing = (): void => {};

/** A timer of one loop. */
class LoopTimer extends Happening implements Timer {
  isCancelled = false;

  constructor(
    readonly loop: EventLoop,
    /** On the loop's own clock. */
    readonly dueMs: number,
    public callback: () => void,
  ) {
    super();
  }

  happen(): void {
    this.loop.due(this);
  }

  cancel(): void {
    this.isCancelled = true;
    // It may stay in the queue for long, and what it would have called back to need not.
    this.callback = nothing;
    this.loop.cancel(this);
  }
}
