import type { SwimOverrides, SwimPreset } from '../../membership/swim/options.js';
import type { ScheduledFault } from './fault.js';

/** What a scenario's cluster is made of, beside its size and its seed. */
export interface ScenarioOptions {
  readonly preset?: SwimPreset | undefined;
  readonly swim?: SwimOverrides | undefined;
  /** Sends every message through its bytes. */
  readonly wire?: boolean | undefined;
  readonly start?: 'one-by-one' | 'together' | undefined;
  readonly maxLinks?: number | undefined;
}

/**
 * A cluster and all that happens to it, as data: drawn from a seed, printed, shrunk, edited by hand and replayed.
 *
 * It runs so: the cluster starts and settles, the faults come at their times, then peace: everything is healed, frozen
 * nodes go on, who is dead stays dead; and within a bound all that still run must agree. What was under way at peace may
 * undo that; once it has ended, agreement must come again, and last.
 */
export interface Scenario {
  readonly seed: number;
  readonly nodes: number;
  /** What the scenario is about, for people. */
  readonly themes: readonly string[];
  readonly options: ScenarioOptions;
  /** In the order of time. */
  readonly schedule: readonly ScheduledFault[];
  /** When peace comes, in virtual milliseconds since the cluster has settled. */
  readonly runForMs: number;
  /** How long agreement may take, at the start and after peace, in virtual milliseconds. */
  readonly settleWithinMs: number;
}

/** The name of the node with this index: a, b … z, aa, ab … */
export function nodeName(index: number): string {
  const letter = String.fromCharCode(0x61 + (index % 26));
  return index < 26 ? letter : nodeName(Math.floor(index / 26) - 1) + letter;
}

/** The names of a cluster of so many nodes. */
export function nodeNames(nodes: number): readonly string[] {
  return Array.from({ length: nodes }, (_, index) => nodeName(index));
}
