import { resolveSwimOptions } from '../../membership/swim/options.js';
import type { Fault, ScheduledFault } from './fault.js';
import { endOf, leastTombstoneMs } from './generate.js';
import { nodeNames, type Scenario, type ScenarioOptions } from './scenario.js';
import type { ScenarioResult } from './scenario-result.js';
import { namesIn, simplerFaults, withinNames } from './simplify-fault.js';

const AFTERWARDS_MS = 1000;

/** What every kind of scenario has, and what is made smaller in the same way in all of them. */
export type Shrinkable = Pick<Scenario, 'seed' | 'nodes' | 'schedule' | 'runForMs'>;

/** How a kind of scenario is made smaller. */
export interface Shrinks<S extends Shrinkable> {
  /** The same scenario with one option less, or a plainer one, the plainest first. None: all is plain. */
  readonly plainer: (scenario: S) => readonly S[];
  /** Whether its options go together. Default: they do. */
  readonly isSound?: ((scenario: S) => boolean) | undefined;
}

/** How one scenario is made smaller. */
export interface ShrinkOptions<S extends Shrinkable> extends Shrinks<S> {
  /** Runs a candidate. */
  readonly run: (scenario: S) => Promise<ScenarioResult> | ScenarioResult;
  /** How many candidates are run at most. Default: 1000. */
  readonly maxAttempts?: number | undefined;
  /** Looked at before each candidate: ends the search with what it has. What it has then depends on the machine. */
  readonly isOver?: (() => boolean) | undefined;
  /** Told after each candidate. */
  readonly onProgress?: ((attempts: number, smallest: S) => void) | undefined;
}

/** The smallest scenario that was found, and what it does. */
export interface Shrunk<S extends Shrinkable> {
  readonly scenario: S;
  readonly result: ScenarioResult;
  readonly attempts: number;
}

/**
 * Finds a small scenario that breaks the same rule: fewer faults (delta debugging: A. Zeller and R. Hildebrandt,
 * "Simplifying and isolating failure-inducing input", 2002), then plainer options, fewer nodes, earlier and
 * smaller faults and a shorter run, as long as anything of it helps. The same scenario is always shrunk to the same one.
 */
export function shrink<S extends Shrinkable>(
  scenario: S,
  result: ScenarioResult,
  options: ShrinkOptions<S>,
): Promise<Shrunk<S>> {
  return new Shrinking(scenario, result, options).run();
}

/** How scenarios of the protocol alone are made smaller. */
export const protocolShrinks: Shrinks<Scenario> = { plainer, isSound };

/** With a tombstone time that is too short, much is broken that is no defect. */
function isSound({ nodes, options }: Scenario): boolean {
  const swim = resolveSwimOptions(options.preset, options.swim);
  return swim.tombstoneMs >= leastTombstoneMs(nodes, swim);
}

function plainer(scenario: Scenario): readonly Scenario[] {
  const { options } = scenario;
  const names = (Object.keys(options) as (keyof ScenarioOptions)[]).filter(
    (name) => options[name] !== undefined,
  );
  const dropped = names.map((name) => {
    const { [name]: _dropped, ...rest } = options;
    return { ...scenario, options: rest };
  });
  const swim = Object.entries(options.swim ?? {});
  const fewer = swim.map(([key]) => {
    const kept = Object.fromEntries(swim.filter(([name]) => name !== key));
    return { ...scenario, options: { ...options, swim: kept } };
  });
  return [...dropped, ...fewer];
}

class Shrinking<S extends Shrinkable> {
  #smallest: S;
  #result: ScenarioResult;
  #attempts = 0;
  /** What did not help once does not help again, unless something else has changed. */
  readonly #tried = new Set<string>();
  readonly #invariant: string | undefined;
  readonly #options: ShrinkOptions<S>;
  readonly #maxAttempts: number;

  constructor(scenario: S, result: ScenarioResult, options: ShrinkOptions<S>) {
    this.#smallest = scenario;
    this.#result = result;
    this.#invariant = result.violation?.invariant;
    this.#options = options;
    this.#maxAttempts = options.maxAttempts ?? 1000;
  }

  async run(): Promise<Shrunk<S>> {
    if (this.#invariant !== undefined) {
      let before;
      do {
        before = this.#smallest;
        await this.#fewerFaults();
        await this.#plainerOptions();
        await this.#fewerNodes();
        await this.#earlier();
        await this.#smallerFaults();
        await this.#shorterRun();
      } while (this.#smallest !== before && !this.#isOver);
    }
    return { scenario: this.#smallest, result: this.#result, attempts: this.#attempts };
  }

  get #isOver(): boolean {
    return this.#attempts >= this.#maxAttempts || this.#options.isOver?.() === true;
  }

  /** Keeps the candidate if it breaks the same rule. */
  async #try(candidate: Partial<Shrinkable>): Promise<boolean> {
    const scenario = { ...this.#smallest, ...candidate };
    const key = JSON.stringify(scenario);
    if (this.#isOver || this.#tried.has(key)) return false;
    this.#tried.add(key);
    if (this.#options.isSound?.(scenario) === false) return false;
    this.#attempts++;
    const result = await this.#options.run(scenario);
    const isKept = result.violation?.invariant === this.#invariant;
    if (isKept) {
      this.#smallest = scenario;
      this.#result = result;
    }
    this.#options.onProgress?.(this.#attempts, this.#smallest);
    return isKept;
  }

  /** Takes out chunks, large ones first; singles until none can go. */
  async #fewerFaults(): Promise<void> {
    let size = this.#smallest.schedule.length;
    while (size >= 1) {
      const removed = await this.#removeChunks(size);
      if (size === 1 && !removed) return;
      size = removed ? Math.min(size, this.#smallest.schedule.length) : Math.floor(size / 2);
    }
  }

  /** From the end, since what comes after the violation can go at once. */
  async #removeChunks(size: number): Promise<boolean> {
    let removed = false;
    for (let end = this.#smallest.schedule.length; end > 0; end -= size) {
      const { schedule } = this.#smallest;
      const rest = [...schedule.slice(0, Math.max(0, end - size)), ...schedule.slice(end)];
      if (rest.length < schedule.length && (await this.#try({ schedule: rest }))) removed = true;
    }
    return removed;
  }

  async #plainerOptions(): Promise<void> {
    while (await this.#any(this.#options.plainer(this.#smallest)));
  }

  /** Keeps the first candidate that breaks the same rule. */
  async #any(candidates: readonly Partial<Shrinkable>[]): Promise<boolean> {
    for (const candidate of candidates) if (await this.#try(candidate)) return true;
    return false;
  }

  /** The last nodes go, as far as no fault names them. */
  async #fewerNodes(): Promise<void> {
    const { nodes, schedule } = this.#smallest;
    const named = new Set(schedule.flatMap(({ fault }) => namesIn(fault)));
    const least = Math.max(2, 1 + nodeNames(nodes).findLastIndex((name) => named.has(name)));
    // Fewer nodes draw other random numbers, so half as many may do where the least do not.
    for (let candidate = least; candidate < this.#smallest.nodes;) {
      if (await this.#withNodes(candidate)) return;
      candidate += Math.max(1, Math.ceil((this.#smallest.nodes - candidate) / 2));
    }
  }

  #withNodes(nodes: number): Promise<boolean> {
    const names = new Set(nodeNames(nodes));
    const schedule = this.#smallest.schedule.map(({ atMs, fault }) => ({
      atMs,
      fault: withinNames(fault, names),
    }));
    return this.#try({ nodes, schedule });
  }

  /** Nothing has to happen for long before the first fault. */
  async #earlier(): Promise<void> {
    const { schedule, runForMs } = this.#smallest;
    const byMs = Math.floor((schedule[0]?.atMs ?? 0) / 1000) * 1000;
    if (byMs === 0) return;
    const sooner = schedule.map(({ atMs, fault }) => ({ atMs: atMs - byMs, fault }));
    await this.#try({ schedule: sooner, runForMs: runForMs - byMs });
  }

  async #smallerFaults(): Promise<void> {
    for (let index = 0; index < this.#smallest.schedule.length; index++) {
      while (await this.#any(this.#simpler(index)));
      const { atMs } = this.#smallest.schedule[index]!;
      const roundMs = Math.round(atMs / 1000) * 1000;
      const inOrder =
        roundMs >= (this.#smallest.schedule[index - 1]?.atMs ?? 0) &&
        roundMs <= (this.#smallest.schedule[index + 1]?.atMs ?? this.#smallest.runForMs);
      if (roundMs !== atMs && inOrder) await this.#try(this.#with(index, { atMs: roundMs }));
    }
  }

  #simpler(index: number): readonly Partial<Shrinkable>[] {
    const { fault } = this.#smallest.schedule[index]!;
    return simplerFaults(fault).map((simpler) => this.#with(index, { fault: simpler }));
  }

  #with(
    index: number,
    change: { readonly fault: Fault } | { readonly atMs: number },
  ): Pick<Shrinkable, 'schedule'> {
    const schedule: ScheduledFault[] = [...this.#smallest.schedule];
    schedule[index] = { ...schedule[index]!, ...change };
    return { schedule };
  }

  async #shorterRun(): Promise<void> {
    const { schedule, runForMs } = this.#smallest;
    const leastMs = endOf(schedule) + AFTERWARDS_MS;
    // Peace can come as soon as the rule is broken; that time counts from a little before the settling.
    const brokenMs = Math.max(leastMs, Math.ceil((this.#result.violation?.atMs ?? runForMs) / 1000) * 1000);
    for (const shorterMs of [leastMs, Math.round((leastMs + runForMs) / 2), brokenMs]) {
      if (shorterMs < this.#smallest.runForMs && (await this.#try({ runForMs: shorterMs }))) return;
    }
  }
}
