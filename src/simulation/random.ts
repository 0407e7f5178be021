/**
 * A small seeded generator: the same seed gives the same numbers on every machine.
 *
 * The generator is sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand 0.94, public domain), 128 bits of
 * state; the state is filled from the seed by splitmix32. Not for secrets.
 *
 * @publicApi
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer; only its lower 32 bits and the next 21 count */
  constructor(seed: number) {
    const fill = splitmix32((seed ^ Math.floor(seed / 0x1_0000_0000)) >>> 0);
    this.#a = fill();
    this.#b = fill();
    this.#c = fill();
    // The author's own advice: 12 rounds before the first output, so that near seeds give far streams.
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** Uniform in [0, 2^32), an integer. */
  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Uniform among the integers 0 … `below` − 1. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Uniform in [`min`, `max`). */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** True with this probability. Draws a number even for 0 and 1, so that changing a fault's rate moves nothing else. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  /** This many random bytes. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at++) bytes[at] = this.uint32() >>> 24;
    return bytes;
  }

  /** A generator of its own that follows from this one, so that one user's draws do not shift another's. */
  fork(): Random {
    return new Random(this.uint32());
  }
}

/** Source: Guy Steele et al., "Fast splittable pseudorandom number generators", the 32-bit variant. */
function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}
