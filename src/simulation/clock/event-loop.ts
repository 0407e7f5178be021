import type { Clock, Timer } from '../../clock.js';
import type { VirtualClock } from './virtual-clock.js';

/**
 * One process's event loop in virtual time. It can be frozen (SIGSTOP, a blocked loop): what falls due meanwhile
 * happens at the thaw, in libuv's order: timers, then input, then what waits for a poll.
 */
export class EventLoop implements Clock {
  readonly #world: VirtualClock;
  #state: 'running' | 'frozen' | 'dead' = 'running';
  #lateTimers: (() => void)[] = [];
  #lateInput: (() => void)[] = [];
  #latePolls: (() => void)[] = [];

  constructor(world: VirtualClock) {
    this.#world = world;
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  now(): number {
    return this.#world.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    // A late timer can still be cancelled by one that fires before it.
    let cancelled = false;
    const timer = this.#world.setTimer(delayMs, () => {
      if (this.#state === 'running') callback();
      else this.#lateTimers.push(() => cancelled || callback());
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  afterPoll(callback: () => void): void {
    this.#world.afterPoll(() => (this.#state === 'running' ? callback() : this.#latePolls.push(callback)));
  }

  /** Input has arrived in the kernel: the process reads it now, or when it runs again. */
  input(callback: () => void): void {
    if (this.#state === 'running') callback();
    else this.#lateInput.push(callback);
  }

  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen';
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    this.#runAll(take(this.#lateTimers));
    this.#runAll(take(this.#lateInput));
    for (const callback of take(this.#latePolls)) this.afterPoll(callback);
  }

  /** Nothing happens here any more. */
  kill(): void {
    this.#state = 'dead';
    take(this.#lateTimers);
    take(this.#lateInput);
    take(this.#latePolls);
  }

  #runAll(callbacks: readonly (() => void)[]): void {
    for (const callback of callbacks) if (this.#state !== 'dead') callback();
  }
}

function take<T>(items: T[]): T[] {
  return items.splice(0);
}
