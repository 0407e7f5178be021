import type { Sockets } from './sockets.js';

/** Who answers dials at each address. Normally one process; where two share an address, the later one. */
export class Listeners<M> {
  readonly #at = new Map<string, readonly Sockets<M>[]>();

  open(sockets: Sockets<M>): void {
    this.#at.set(sockets.host, [...(this.#at.get(sockets.host) ?? []), sockets]);
  }

  close(sockets: Sockets<M>): void {
    const left = (this.#at.get(sockets.host) ?? []).filter((listener) => listener !== sockets);
    if (left.length > 0) this.#at.set(sockets.host, left);
    else this.#at.delete(sockets.host);
  }

  at(host: string): Sockets<M> | undefined {
    return this.#at.get(host)?.at(-1);
  }
}
