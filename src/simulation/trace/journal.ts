import type { NodeId } from '../../node-id.js';

/** Lines kept per node; the oldest go first. */
const MAX_LINES = 2000;

/** One thing that happened at one node. */
interface Line {
  readonly atMs: number;
  readonly what: string;
}

/** What happened at each node, for people who have to explain a failure. Ids are shown by their nodes' names. */
export class Journal {
  readonly #lines = new Map<string, Line[]>();
  readonly #names = new Map<NodeId, string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** From now on this id is shown by this name. */
  introduce(id: NodeId, name: string): void {
    this.#names.set(id, name);
  }

  nameOf(id: NodeId | undefined): string {
    return id === undefined ? '?' : (this.#names.get(id) ?? id);
  }

  write(node: string, what: string): void {
    let lines = this.#lines.get(node);
    if (lines === undefined) this.#lines.set(node, (lines = []));
    lines.push({ atMs: this.#now(), what });
    if (lines.length > MAX_LINES * 2) lines.splice(0, MAX_LINES);
  }

  /** The latest lines, of one node or of all in the order of time. */
  read(node?: string, last = MAX_LINES): string {
    const of = (name: string) => (this.#lines.get(name) ?? []).map((line) => ({ ...line, name }));
    const lines = node === undefined ? [...this.#lines.keys()].flatMap(of) : of(node);
    return lines
      .sort((a, b) => a.atMs - b.atMs)
      .slice(-last)
      .map(({ atMs, name, what }) => `${(atMs / 1000).toFixed(4).padStart(10)} s  ${name.padEnd(3)} ${what}`)
      .join('\n');
  }
}
