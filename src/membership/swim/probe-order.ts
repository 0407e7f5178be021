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
    if (this.#next >= this.#order.length) this.#shuffle();
    return this.#order[this.#next++];
  }

  /** Whoever held the random place moves to the end. */
  insert(entry: Entry): void {
    entry.turn = this.#order.push(entry) - 1;
    this.#swap(entry.turn, Math.floor(this.#random() * this.#order.length));
  }

  remove(entry: Entry): void {
    let hole = entry.turn;
    if (hole < this.#next) {
      this.#next--;
      this.#swap(hole, this.#next);
      hole = this.#next;
    }
    this.#swap(hole, this.#order.length - 1);
    this.#order.pop();
    entry.turn = -1;
  }

  #shuffle(): void {
    this.#next = 0;
    for (let i = this.#order.length - 1; i > 0; i--) this.#swap(i, Math.floor(this.#random() * (i + 1)));
  }

  #swap(i: number, j: number): void {
    const a = this.#order[i]!;
    const b = this.#order[j]!;
    this.#order[i] = b;
    this.#order[j] = a;
    b.turn = i;
    a.turn = j;
  }
}
