/** Something that holds everywhere, except in the directions for which something else was said. */
export class PathRule<T> {
  #everywhere: T;
  readonly #between = new Map<string, T>();

  constructor(everywhere: T) {
    this.#everywhere = everywhere;
  }

  /** For one direction; without names for all of them, whatever was said before. */
  set(value: T, from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.setEverywhere(value);
    else this.#between.set(`${from}>${to}`, value);
  }

  setEverywhere(value: T): void {
    this.#everywhere = value;
    this.#between.clear();
  }

  of(from: string, to: string): T {
    if (this.#between.size === 0) return this.#everywhere;
    return this.#between.get(`${from}>${to}`) ?? this.#everywhere;
  }
}
