/**
 * Hands one sequence of items to any number of async readers, each at its own pace.
 *
 * A reader that is `capacity` items behind loses what it has not read; one item made by `gap` takes the place of
 * what it missed. Nothing waits for a reader.
 */
export class Readers<T> implements AsyncIterable<T> {
  readonly #open = new Set<Reader<T>>();
  readonly #capacity: number;
  readonly #gap: (missed: number) => T;
  #ended = false;

  constructor(capacity: number, gap: (missed: number) => T) {
    this.#capacity = capacity;
    this.#gap = gap;
  }

  push(item: T): void {
    for (const reader of this.#open) reader.push(item);
  }

  /** Ends every reader after what it has not read yet; later readers end at once. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#open) reader.end();
    this.#open.clear();
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const reader = new Reader<T>(this.#capacity, this.#gap, (closed) => this.#open.delete(closed));
    if (this.#ended) reader.end();
    else this.#open.add(reader);
    return reader;
  }
}

class Reader<T> implements AsyncIterator<T, undefined> {
  #items: T[] = [];
  #missed = 0;
  #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #ended = false;

  constructor(
    private readonly capacity: number,
    private readonly gap: (missed: number) => T,
    private readonly closed: (reader: Reader<T>) => void,
  ) {}

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value: item });
    } else if (this.#missed > 0 || this.#items.length >= this.capacity) {
      this.#missed += this.#items.length + 1;
      this.#items = [];
    } else {
      this.#items.push(item);
    }
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#missed > 0) {
      const missed = this.#missed;
      this.#missed = 0;
      return Promise.resolve({ done: false, value: this.gap(missed) });
    }
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#items.shift()! });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#items = [];
    this.#missed = 0;
    this.end();
    this.closed(this);
    return Promise.resolve({ done: true, value: undefined });
  }
}
