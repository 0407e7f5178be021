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
  readonly stats: ScenarioStats;
}
