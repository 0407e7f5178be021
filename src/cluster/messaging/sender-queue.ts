import { Fifo } from '../../transport/session/fifo.js';
import { isPromiseLike, type CallQueue } from './handler-queue.js';

/** The calls of one sender that have not started. Exists while it has such, or one that runs. */
class Line<T> extends Fifo<T> {
  constructor(readonly sender: string) {
    super();
  }
}

/**
 * Runs the calls of each sender one after the other, and those of different senders at once, at most `concurrency` at
 * a time. A place goes to the sender that has waited longest for one; who waits for a call of its own takes none. What
 * waits here has not given its credit back, so its senders bound the queue; of a sender that has no call nothing is kept.
 */
export class SenderQueue<T> implements CallQueue<T> {
  readonly #lines = new Map<string, Line<T>>();
  /** Lines whose next call needs only a place. */
  readonly #ready = new Fifo<Line<T>>();
  #calls = 0;
  #running = 0;
  #waiting = 0;
  #isStarting = false;
  #idle: (() => void)[] = [];

  /**
   * @param senderOf whose call it is
   * @param start begins a call; its promise tells when it has finished. Must not throw, its promise must not reject
   */
  constructor(
    private readonly concurrency: number,
    private readonly senderOf: (call: T) => string,
    private readonly start: (call: T) => unknown,
  ) {}

  get calls(): number {
    return this.#calls;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Senders that something is kept of. */
  get senders(): number {
    return this.#lines.size;
  }

  push(call: T): void {
    this.#waiting++;
    const sender = this.senderOf(call);
    const line = this.#lines.get(sender);
    if (line !== undefined) return line.push(call);
    const fresh = new Line<T>(sender);
    fresh.push(call);
    this.#lines.set(sender, fresh);
    this.#ready.push(fresh);
    this.#startReady();
  }

  whenIdle(): Promise<void> {
    if (this.#running === 0 && this.#waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #startReady(): void {
    // A call that pushes another one in its own turn comes back here: the loop below goes on with that.
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#ready.length > 0 && this.#running < this.concurrency) this.#startNext(this.#ready.shift()!);
    this.#isStarting = false;
    // Whoever waits is ready or has a call that runs.
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #startNext(line: Line<T>): void {
    this.#waiting--;
    this.#calls++;
    const finished = this.start(line.shift()!);
    if (!isPromiseLike(finished)) return this.#goOn(line);
    this.#running++;
    const settled = (): void => {
      this.#running--;
      this.#goOn(line);
      this.#startReady();
    };
    finished.then(settled, settled);
  }

  /** A call has finished: its sender's next one stands behind the other senders that wait for a place. */
  #goOn(line: Line<T>): void {
    if (line.length > 0) this.#ready.push(line);
    else this.#lines.delete(line.sender);
  }
}
