import type { NodeId } from '../../node-id.js';

/**
 * Gives each NodeId that somebody remembers a small number, which is free again when nobody does. The nodes of one
 * simulation share one: what each keeps of each then lies in plain arrays, a third of the size of hash tables.
 */
export class IdDirectory {
  readonly #numbers = new Map<NodeId, number>();
  readonly #ids: (NodeId | undefined)[] = [];
  /** How many remember each. */
  readonly #users: number[] = [];
  readonly #free: number[] = [];

  /** How many ids have a number. */
  get size(): number {
    return this.#numbers.size;
  }

  /** Undefined when nobody remembers the id. */
  numberOf(id: NodeId): number | undefined {
    return this.#numbers.get(id);
  }

  /** One more remembers the id. */
  retain(id: NodeId): number {
    let number = this.#numbers.get(id);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#ids.length;
      this.#numbers.set(id, number);
      this.#ids[number] = id;
      this.#users[number] = 0;
    }
    this.#users[number]!++;
    return number;
  }

  /** One fewer remembers the id with this number. */
  release(number: number): void {
    if (--this.#users[number]! > 0) return;
    this.#numbers.delete(this.#ids[number]!);
    this.#ids[number] = undefined;
    this.#free.push(number);
  }
}

/** What one node keeps by NodeId: a map without an order, over a directory that may be shared. */
export class IdMap<V extends object> {
  readonly #directory: IdDirectory;
  readonly #values: (V | undefined)[] = [];
  #size = 0;

  constructor(directory: IdDirectory) {
    this.#directory = directory;
  }

  get size(): number {
    return this.#size;
  }

  get(id: NodeId): V | undefined {
    const number = this.#directory.numberOf(id);
    return number === undefined ? undefined : this.#values[number];
  }

  set(id: NodeId, value: V): void {
    const held = this.#directory.numberOf(id);
    if (held !== undefined && this.#values[held] !== undefined) {
      this.#values[held] = value;
      return;
    }
    const number = this.#directory.retain(id);
    // Numbers come in any order, and an array with holes is slow.
    while (this.#values.length < number) this.#values.push(undefined);
    this.#values[number] = value;
    this.#size++;
  }

  delete(id: NodeId): void {
    const number = this.#directory.numberOf(id);
    if (number === undefined || this.#values[number] === undefined) return;
    this.#values[number] = undefined;
    this.#size--;
    this.#directory.release(number);
  }

  /** All of them, by the numbers of their ids. */
  each(see: (value: V, number: number) => void): void {
    for (let number = 0; number < this.#values.length; number++) {
      const value = this.#values[number];
      if (value !== undefined) see(value, number);
    }
  }

  /** Things by the numbers of their ids, the last where there are several; without those whose id has none. */
  arrange<T extends { readonly id: NodeId }>(things: readonly T[]): readonly (T | undefined)[] {
    const arranged = new Array<T | undefined>(this.#values.length);
    for (const thing of things) {
      const number = this.#directory.numberOf(thing.id);
      if (number !== undefined && number < arranged.length) arranged[number] = thing;
    }
    return arranged;
  }

  clear(): void {
    for (const [number, value] of this.#values.entries())
      if (value !== undefined) this.#directory.release(number);
    this.#values.length = 0;
    this.#size = 0;
  }
}
