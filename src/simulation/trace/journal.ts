import type { NodeId } from '../../node-id.js';

/** Lines kept per node; the oldest go first. */
const MAX_LINES = 2000;

/** One thing that happened at one node. */
interface Line {
  readonly atMs: number;
  /** Counts the lines of all nodes, since many things happen at one time. */
  readonly sequence: number;
  readonly what: string;
}

/** What a journal does with its lines. */
export interface JournalOptions {
  /** Whether the latest lines are kept, to be read. */
  readonly keep: boolean;
  /** Gets every line as it is written: the whole trace, in order. */
  readonly onLine: ((line: string) => void) | undefined;
}

/** What happened at each node, for people who have to explain a failure. Ids are shown by their nodes' names. */
export class Journal {
  readonly #lines = new Map<string, Line[]>();
  readonly #names = new Map<NodeId, string>();
  readonly #now: () => number;
  readonly #options: JournalOptions;
  #sequence = 0;

  constructor(now: () => number, options: JournalOptions = { keep: true, onLine: undefined }) {
    this.#now = now;
    this.#options = options;
  }

  /** Whether anybody reads what is written: ask before a line is put together. */
  get isRead(): boolean {
    return this.#options.keep || this.#options.onLine !== undefined;
  }

  /** From now on this id is shown by this name. */
  introduce(id: NodeId, name: string): void {
    this.#names.set(id, name);
  }

  nameOf(id: NodeId | undefined): string {
    return id === undefined ? '?' : (this.#names.get(id) ?? id);
  }

  write(node: string, what: string): void {
    const atMs = this.#now();
    this.#options.onLine?.(format(atMs, node, what));
    if (!this.#options.keep) return;
    let lines = this.#lines.get(node);
    if (lines === undefined) this.#lines.set(node, (lines = []));
    lines.push({ atMs, sequence: this.#sequence++, what });
    if (lines.length > MAX_LINES * 2) lines.splice(0, MAX_LINES);
  }

  /** The latest lines, of one node or of all in the order in which they were written. */
  read(node?: string, last = MAX_LINES): string {
    const of = (name: string) => (this.#lines.get(name) ?? []).map((line) => ({ ...line, name }));
    const lines = node === undefined ? [...this.#lines.keys()].flatMap(of) : of(node);
    return lines
      .sort((a, b) => a.sequence - b.sequence)
      .slice(-last)
      .map(({ atMs, name, what }) => format(atMs, name, what))
      .join('\n');
  }
}

function format(atMs: number, name: string, what: string): string {
  return `${(atMs / 1000).toFixed(4).padStart(10)} s  ${name.padEnd(3)} ${what}`;
}
