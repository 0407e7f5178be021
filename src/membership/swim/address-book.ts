import { formatAddress } from '../../address.js';
import type { Address } from '../../address.js';

interface Noted {
  readonly address: Address;
  readonly untilMs: number;
}

/** A bounded set of addresses; when it is full, a random one makes room, so that no flood can empty it of the old. */
export class AddressBook {
  readonly #noted = new Map<string, Noted>();
  readonly #max: number;
  readonly #random: () => number;

  constructor(max: number, random: () => number) {
    this.#max = max;
    this.#random = random;
  }

  get size(): number {
    return this.#noted.size;
  }

  add(address: Address, untilMs: number): void {
    if (this.#max <= 0) return;
    const key = formatAddress(address).toLowerCase();
    if (!this.#noted.has(key) && this.#noted.size >= this.#max) this.#noted.delete(this.#randomKey()!);
    this.#noted.set(key, { address, untilMs });
  }

  delete(address: Address): void {
    this.#noted.delete(formatAddress(address).toLowerCase());
  }

  /** A random one that is still good; one that is not is dropped. */
  pick(nowMs: number): Address | undefined {
    for (let key = this.#randomKey(); key !== undefined; key = this.#randomKey()) {
      const { address, untilMs } = this.#noted.get(key)!;
      if (untilMs > nowMs) return address;
      this.#noted.delete(key);
    }
    return undefined;
  }

  #randomKey(): string | undefined {
    return nth(this.#noted.keys(), Math.floor(this.#random() * this.#noted.size));
  }
}

/** The item at a place of something that can only be walked through. */
export function nth<T>(items: Iterable<T>, place: number): T | undefined {
  let at = 0;
  for (const item of items) if (at++ === place) return item;
  return undefined;
}
