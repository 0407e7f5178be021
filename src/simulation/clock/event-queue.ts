import type { Happening } from './virtual-clock.js';

/** Children per place: four make the heap half as deep as two, and lie side by side in memory. */
const ARITY = 4;

/**
 * What waits in virtual time, the earliest first: a heap by (time, phase, sequence).
 *
 * It is written here rather than taken from a library because a run of thousands of nodes spends its time in it: the
 * times lie in an array of their own, so that most comparisons touch no object.
 */
export class EventQueue {
  #times: number[] = [];
  #events: Happening[] = [];

  get size(): number {
    return this.#events.length;
  }

  /** The earliest. */
  get first(): Happening | undefined {
    return this.#events[0];
  }

  push(event: Happening): void {
    let at = this.#events.length;
    this.#times.push(event.atMs);
    this.#events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (!this.#isBefore(event.atMs, event, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(event, at);
  }

  /** Takes the earliest out. */
  pop(): void {
    const last = this.#events.pop();
    this.#times.pop();
    if (last !== undefined && this.#events.length > 0) this.#sink(last, 0);
  }

  /** Keeps only those for which this is true. */
  retain(isWanted: (event: Happening) => boolean): void {
    this.#events = this.#events.filter(isWanted);
    this.#times = this.#events.map(({ atMs }) => atMs);
    for (let at = (this.#events.length - 2) >> 2; at >= 0; at--) this.#sink(this.#events[at]!, at);
  }

  /** Finds the place of an event at or below this one, where a hole is. */
  #sink(event: Happening, hole: number): void {
    const { length } = this.#events;
    for (;;) {
      const firstChild = hole * ARITY + 1;
      if (firstChild >= length) break;
      let least = firstChild;
      const end = Math.min(firstChild + ARITY, length);
      for (let child = firstChild + 1; child < end; child++) {
        if (this.#isBefore(this.#times[child]!, this.#events[child]!, least)) least = child;
      }
      if (this.#isBefore(event.atMs, event, least)) break;
      this.#move(least, hole);
      hole = least;
    }
    this.#put(event, hole);
  }

  #isBefore(atMs: number, event: Happening, than: number): boolean {
    const otherMs = this.#times[than]!;
    if (atMs !== otherMs) return atMs < otherMs;
    const other = this.#events[than]!;
    if (event.phase !== other.phase) return event.phase < other.phase;
    return event.sequence < other.sequence;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#events[to] = this.#events[from]!;
  }

  #put(event: Happening, at: number): void {
    this.#times[at] = event.atMs;
    this.#events[at] = event;
  }
}
