import type { Entry } from './entry.js';

/**
 * Who is probed next: round robin over a shuffled list. A newcomer enters at a random place, the list is shuffled again
 * after each traversal, so two probes of one member lie at most 2n − 1 rounds apart. SWIM §4.3.
 */
export class ProbeOrder {
  readonly #order: Entry[] = [];
  readonly #random: () => number;
  #next = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next in turn; undefined when there is nobody. */
  next(): Entry | undefined {
    const next = this.peek();
    this.#next++;
    return next;
  }

  /** The same, and its turn is still to come. */
  peek(): Entry | undefined {
    if (this.#next >= this.#order.length) this.#shuffle();
    return this.#order[this.#next];
  }

  /** Whoever held the random place moves to the end. */
  insert(entry: Entry): void {
    this.#order.push(entry);
    this.#swap(this.#order.length - 1, Math.floor(this.#random() * this.#order.length));
  }

  remove(entry: Entry): void {
    let hole = this.#order.indexOf(entry);
    if (hole < this.#next) {
      this.#next--;
      this.#swap(hole, this.#next);
      hole = this.#next;
    }
    this.#swap(hole, this.#order.length - 1);
    this.#order.pop();
  }

  #shuffle(): void {
    this.#next = 0;
    for (let i = this.#order.length - 1; i > 0; i--) this.#swap(i, Math.floor(this.#random() * (i + 1)));
  }

  #swap(i: number, j: number): void {
    const entry = this.#order[i]!;
    this.#order[i] = this.#order[j]!;
    this.#order[j] = entry;
  }
}
