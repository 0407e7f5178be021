import type { Fault } from './fault.js';

/** A rule that was broken, and when. */
export interface Violation {
  /** Its number in `literature.md`, or `error` for an exception that no rule speaks of. */
  readonly invariant: string;
  /** One line: who did what. */
  readonly message: string;
  /** Virtual milliseconds since the simulation began. */
  readonly atMs: number;
}

/** How much was simulated. */
export interface ScenarioStats {
  readonly virtualMs: number;
  /** Protocol inputs handled: simulated events. */
  readonly inputs: number;
  readonly messages: number;
}

/** What one scenario came to. */
export interface ScenarioResult {
  readonly seed: number;
  readonly ok: boolean;
  readonly violation?: Violation | undefined;
  /** Of every line of the trace, in order: equal for equal runs. */
  readonly traceHash: string;
  /** How often each interesting path was taken. */
  readonly sometimes: Readonly<Record<string, number>>;
  /** How many faults of each kind were done, without those that made no sense when their turn came. */
  readonly faults: Readonly<Partial<Record<Fault['kind'], number>>>;
  readonly stats: ScenarioStats;
}
