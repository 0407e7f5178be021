import { resolveSwimOptions } from '../../membership/swim/options.js';
import type { Fault, ScheduledFault } from './fault.js';
import { endOf, leastTombstoneMs } from './generate.js';
import { nodeNames, type Scenario, type ScenarioOptions } from './scenario.js';
import type { ScenarioResult } from './scenario-result.js';
import { namesIn, simplerFaults, withinNames } from './simplify-fault.js';

const AFTERWARDS_MS = 1000;

/** How a scenario is made smaller. */
export interface ShrinkOptions {
  /** Runs a candidate. */
  readonly run: (scenario: Scenario) => ScenarioResult;
  /** How many candidates are run at most. Default: 1000. */
  readonly maxAttempts?: number | undefined;
  /** Told after each candidate. */
  readonly onProgress?: ((attempts: number, smallest: Scenario) => void) | undefined;
}

/** The smallest scenario that was found, and what it does. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly result: ScenarioResult;
  readonly attempts: number;
}

/**
 * Finds a small scenario that breaks the same rule: fewer faults (delta debugging: A. Zeller and R. Hildebrandt,
 * "Simplifying and isolating failure-inducing input", 2002), then plainer options, fewer nodes, smaller faults and a
 * shorter run, as long as anything of it helps. The same scenario is always shrunk to the same one.
 */
export function shrink(scenario: Scenario, result: ScenarioResult, options: ShrinkOptions): Shrunk {
  return new Shrinking(scenario, result, options).run();
}

/** Whether the options go together: with a tombstone time that is too short, much is broken that is no defect. */
function isSound({ nodes, options }: Scenario): boolean {
  const swim = resolveSwimOptions(options.preset, options.swim);
  return swim.tombstoneMs >= leastTombstoneMs(nodes, swim);
}

class Shrinking {
  #smallest: Scenario;
  #result: ScenarioResult;
  #attempts = 0;
  /** What did not help once does not help again, unless something else has changed. */
  readonly #tried = new Set<string>();
  readonly #invariant: string | undefined;
  readonly #options: ShrinkOptions;
  readonly #maxAttempts: number;

  constructor(scenario: Scenario, result: ScenarioResult, options: ShrinkOptions) {
    this.#smallest = scenario;
    this.#result = result;
    this.#invariant = result.violation?.invariant;
    this.#options = options;
    this.#maxAttempts = options.maxAttempts ?? 1000;
  }

  run(): Shrunk {
    if (this.#invariant !== undefined) {
      let before;
      do {
        before = this.#smallest;
        this.#fewerFaults();
        this.#plainerOptions();
        this.#fewerNodes();
        this.#smallerFaults();
        this.#shorterRun();
      } while (this.#smallest !== before && this.#attempts < this.#maxAttempts);
    }
    return { scenario: this.#smallest, result: this.#result, attempts: this.#attempts };
  }

  /** Keeps the candidate if it breaks the same rule. */
  #try(candidate: Partial<Scenario>): boolean {
    const scenario = { ...this.#smallest, ...candidate };
    const key = JSON.stringify(scenario);
    if (this.#attempts >= this.#maxAttempts || this.#tried.has(key) || !isSound(scenario)) return false;
    this.#tried.add(key);
    this.#attempts++;
    const result = this.#options.run(scenario);
    const isKept = result.violation?.invariant === this.#invariant;
    if (isKept) {
      this.#smallest = scenario;
      this.#result = result;
    }
    this.#options.onProgress?.(this.#attempts, this.#smallest);
    return isKept;
  }

  /** Takes out chunks, large ones first; singles until none can go. */
  #fewerFaults(): void {
    let size = this.#smallest.schedule.length;
    while (size >= 1) {
      const removed = this.#removeChunks(size);
      if (size === 1 && !removed) return;
      size = removed ? Math.min(size, this.#smallest.schedule.length) : Math.floor(size / 2);
    }
  }

  /** From the end, since what comes after the violation can go at once. */
  #removeChunks(size: number): boolean {
    let removed = false;
    for (let end = this.#smallest.schedule.length; end > 0; end -= size) {
      const { schedule } = this.#smallest;
      const rest = [...schedule.slice(0, Math.max(0, end - size)), ...schedule.slice(end)];
      if (rest.length < schedule.length && this.#try({ schedule: rest })) removed = true;
    }
    return removed;
  }

  #plainerOptions(): void {
    for (const name of Object.keys(this.#smallest.options) as (keyof ScenarioOptions)[]) {
      const { options } = this.#smallest;
      if (options[name] === undefined) continue;
      const { [name]: _dropped, ...rest } = options;
      if (this.#try({ options: rest })) continue;
      if (name === 'swim') this.#fewerOverrides();
    }
  }

  #fewerOverrides(): void {
    for (const key of Object.keys(this.#smallest.options.swim ?? {})) {
      const { options } = this.#smallest;
      const kept = Object.entries(options.swim ?? {}).filter(([name]) => name !== key);
      this.#try({ options: { ...options, swim: Object.fromEntries(kept) } });
    }
  }

  /** The last nodes go, as far as no fault names them. */
  #fewerNodes(): void {
    const { nodes, schedule } = this.#smallest;
    const named = new Set(schedule.flatMap(({ fault }) => namesIn(fault)));
    const least = Math.max(2, 1 + nodeNames(nodes).findLastIndex((name) => named.has(name)));
    // Fewer nodes draw other random numbers, so half as many may do where the least do not.
    for (let candidate = least; candidate < this.#smallest.nodes;) {
      if (this.#withNodes(candidate)) return;
      candidate += Math.max(1, Math.ceil((this.#smallest.nodes - candidate) / 2));
    }
  }

  #withNodes(nodes: number): boolean {
    const names = new Set(nodeNames(nodes));
    const schedule = this.#smallest.schedule.map(({ atMs, fault }) => ({
      atMs,
      fault: withinNames(fault, names),
    }));
    return this.#try({ nodes, schedule });
  }

  #smallerFaults(): void {
    for (let index = 0; index < this.#smallest.schedule.length; index++) {
      while (
        simplerFaults(this.#smallest.schedule[index]!.fault).some((fault) => this.#replace(index, { fault }))
      );
      const { atMs } = this.#smallest.schedule[index]!;
      const roundMs = Math.round(atMs / 1000) * 1000;
      const inOrder =
        roundMs >= (this.#smallest.schedule[index - 1]?.atMs ?? 0) &&
        roundMs <= (this.#smallest.schedule[index + 1]?.atMs ?? Infinity);
      if (roundMs !== atMs && inOrder) this.#replace(index, { atMs: roundMs });
    }
  }

  #replace(index: number, change: { readonly fault: Fault } | { readonly atMs: number }): boolean {
    const schedule: ScheduledFault[] = [...this.#smallest.schedule];
    schedule[index] = { ...schedule[index]!, ...change };
    return this.#try({ schedule });
  }

  #shorterRun(): void {
    const { schedule, runForMs } = this.#smallest;
    const leastMs = endOf(schedule) + AFTERWARDS_MS;
    for (const shorterMs of [leastMs, Math.round((leastMs + runForMs) / 2)]) {
      if (shorterMs < this.#smallest.runForMs && this.#try({ runForMs: shorterMs })) return;
    }
  }
}
