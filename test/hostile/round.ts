import fc from 'fast-check';

/**
 * One pass over the catalogue. All that an attack generates follows from the campaign's seed, the number of the round
 * and the attack's name, and from nothing that happens meanwhile.
 */
export class Round {
  #drawn = 0;

  constructor(
    readonly seed: number,
    readonly number: number,
    private readonly attack: string,
  ) {}

  /** So many values of an arbitrary; each call gives others. */
  draw<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
    const seed = mixed([this.seed, this.number, this.#drawn++, ...Buffer.from(this.attack)]);
    return fc.sample(arbitrary, { seed, numRuns: count });
  }

  /** The part of a list whose turn it is: after enough rounds each entry was there. */
  slice<T>(all: readonly T[], count: number): T[] {
    const start = (this.number * count) % all.length;
    return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[(start + i) % all.length]!);
  }
}

/** FNV-1a over numbers, as a signed 32-bit seed. */
export function mixed(numbers: readonly number[]): number {
  let hash = 0x811c9dc5 | 0;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  }
  return hash | 0;
}
