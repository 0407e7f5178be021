import type { SeedOutcome } from './run-seed.js';

/** How often a path was taken, and in how many seeds. */
export interface PathCount {
  readonly times: number;
  readonly seeds: number;
}

/** In fewer seeds than this, a path that was never taken proves nothing. */
const SEEDS_FOR_EVERY_PATH = 200;
const SLOWEST_SHOWN = 5;

/** The sum of many outcomes. */
export class Tally {
  seeds = 0;
  wholeNodeSeeds = 0;
  virtualMs = 0;
  inputs = 0;
  messages = 0;
  readonly violated: SeedOutcome[] = [];
  readonly #faults = new Map<string, number>();
  readonly #paths = new Map<string, PathCount>();
  #slowest: SeedOutcome[] = [];

  /** @param paths the names of all paths that should be taken sometimes */
  constructor(paths: readonly string[]) {
    for (const path of paths) this.#paths.set(path, { times: 0, seeds: 0 });
  }

  add(outcome: SeedOutcome): void {
    const { result, kind } = outcome;
    this.seeds++;
    if (kind === 'nodes') this.wholeNodeSeeds++;
    this.virtualMs += result.stats.virtualMs;
    this.inputs += result.stats.inputs;
    this.messages += result.stats.messages;
    if (!result.ok) this.violated.push(outcome);
    for (const [path, count] of Object.entries(result.sometimes)) {
      const { times, seeds } = this.#paths.get(path) ?? { times: 0, seeds: 0 };
      this.#paths.set(path, { times: times + count, seeds: seeds + (count > 0 ? 1 : 0) });
    }
    for (const [kind, times] of Object.entries(result.faults)) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + times);
    }
    this.#slowest.push(outcome);
    this.#slowest.sort((a, b) => b.realMs - a.realMs);
    this.#slowest = this.#slowest.slice(0, SLOWEST_SHOWN);
  }

  /** How many faults of each kind were done, the most frequent first. */
  get faults(): readonly (readonly [string, number])[] {
    return [...this.#faults].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  }

  /** By name. */
  get paths(): readonly (readonly [string, PathCount])[] {
    return [...this.#paths].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Paths that were never taken. */
  get missing(): readonly string[] {
    return this.paths.filter(([, { times }]) => times === 0).map(([path]) => path);
  }

  /** The slowest seeds, by real time. */
  get slowest(): readonly SeedOutcome[] {
    return this.#slowest;
  }

  /** No rule was broken, and nothing was left out in a run that was long enough to say so. */
  get ok(): boolean {
    return this.violated.length === 0 && (this.seeds < SEEDS_FOR_EVERY_PATH || this.missing.length === 0);
  }
}
