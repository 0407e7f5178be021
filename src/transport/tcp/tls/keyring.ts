import { keyOf, type Key, type Secret } from './secrets.js';

/** The keys of a node: the first dials, each of them is accepted. */
export class Keyring {
  readonly #clusterName: string;
  #keys: readonly Key[] = [];

  constructor(clusterName: string) {
    this.#clusterName = clusterName;
  }

  /** Takes checked secrets in place of those before; one call at a time. The same secret twice is one key. */
  async replace(secrets: readonly Secret[]): Promise<void> {
    const keys = await Promise.all(secrets.map((secret) => keyOf(secret, this.#clusterName)));
    this.#keys = keys.filter(({ name }, i) => keys.findIndex((key) => key.name === name) === i);
  }

  /** The key that dials; there is one from the first `replace` on. */
  get first(): Key {
    return this.#keys[0]!;
  }

  /** Public names, in order. */
  get names(): readonly string[] {
    return this.#keys.map(({ name }) => name);
  }

  find(name: string): Key | undefined {
    return this.#keys.find((key) => key.name === name);
  }
}
