import { Fifo } from '../../transport/session/fifo.js';

/**
 * Starts calls in the order in which they came, without awaiting one before the next, at most `concurrency` at a
 * time. What waits here has not given its credit back, so its senders bound the queue.
 */
export class HandlerQueue<T> {
  readonly #waiting = new Fifo<T>();
  #running = 0;
  #idle: (() => void)[] = [];

  /** @param start begins a call; its promise tells when it has finished. Must not throw, its promise must not reject */
  constructor(
    private readonly concurrency: number,
    private readonly start: (call: T) => unknown,
  ) {}

  /** Calls that run now. */
  get running(): number {
    return this.#running;
  }

  /** Calls that wait for one of those to finish. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(call: T): void {
    if (this.#running < this.concurrency) this.#start(call);
    else this.#waiting.push(call);
  }

  /** Resolves when nothing runs and nothing waits. */
  whenIdle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #start(call: T): void {
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
