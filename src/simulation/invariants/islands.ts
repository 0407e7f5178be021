import type { WatchedNode } from './check.js';

/** Who knows of whom, and who is still in touch. Places are those in the list of nodes. */
export interface Islands {
  /** For each node the place of one that stands for all who know of each other, the lost included. */
  readonly acquainted: readonly number[];
  /** The same for those who hold each other active, directly or through others. */
  readonly island: readonly number[];
  /** How many islands lie apart that know of each other. */
  readonly apart: number;
}

/** Looks at what every node remembers of every other: costs n². */
export function findIslands<M>(nodes: readonly WatchedNode<M>[]): Islands {
  const acquainted = new Groups(nodes.length);
  const islands = new Groups(nodes.length);
  nodes.forEach(({ protocol }, a) => {
    nodes.forEach((other, b) => {
      if (a === b) return;
      const member = protocol.member(other.id);
      if (member === undefined || member.state === 'left') return;
      acquainted.unite(a, b);
      if (member.isActive) islands.unite(a, b);
    });
  });
  const island = nodes.map((_, at) => islands.of(at));
  return {
    acquainted: nodes.map((_, at) => acquainted.of(at)),
    island,
    apart: islands.count - acquainted.count,
  };
}

/** Union and find, with halved paths. */
class Groups {
  count: number;
  readonly #parents: number[];

  constructor(size: number) {
    this.count = size;
    this.#parents = Array.from({ length: size }, (_, at) => at);
  }

  of(at: number): number {
    const parents = this.#parents;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]!]!;
      at = parents[at]!;
    }
    return at;
  }

  unite(a: number, b: number): void {
    const [from, to] = [this.of(a), this.of(b)];
    if (from === to) return;
    this.#parents[from] = to;
    this.count--;
  }
}
