import { Fifo } from '../../transport/session/fifo.js';

/** The calls of one handler, on their way to it. */
export interface CallQueue<T> {
  /** Calls that were started, ever. */
  readonly calls: number;
  /** Calls that run now. */
  readonly running: number;
  /** Calls that have not started. */
  readonly waiting: number;
  push(call: T): void;
  /** Resolves when nothing runs and nothing waits. */
  whenIdle(): Promise<void>;
}

/**
 * Starts calls in the order in which they came, without awaiting one before the next, at most `concurrency` at a
 * time. What waits here has not given its credit back, so its senders bound the queue.
 */
export class HandlerQueue<T> implements CallQueue<T> {
  readonly #waiting = new Fifo<T>();
  #calls = 0;
  #running = 0;
  #idle: (() => void)[] = [];

  /** @param start begins a call; its promise tells when it has finished. Must not throw, its promise must not reject */
  constructor(
    private readonly concurrency: number,
    private readonly start: (call: T) => unknown,
  ) {}

  get calls(): number {
    return this.#calls;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  push(call: T): void {
    if (this.#running < this.concurrency) this.#start(call);
    else this.#waiting.push(call);
  }

  whenIdle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #start(call: T): void {
    this.#calls++;
    const finished = this.start(call);
    if (!isPromiseLike(finished)) return;
    this.#running++;
    finished.then(
      () => this.#finish(),
      () => this.#finish(),
    );
  }

  #finish(): void {
    this.#running--;
    while (this.#waiting.length > 0 && this.#running < this.concurrency) this.#start(this.#waiting.shift()!);
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
