import type { ScenarioResult } from '../scenarios/scenario-result.js';
import { drawScenario, kindOf, playScenario } from './any-scenario.js';
import type { ScenarioKind } from './cli-options.js';

/** One seed, as it is handed to a worker. */
export interface SeedTask {
  readonly seed: number;
  readonly nodes: readonly [number, number];
  readonly kind: ScenarioKind;
  /** Every so many seeds are run twice and compared; undefined: none. */
  readonly checkDeterminism: number | undefined;
}

/** What a seed came to, and what it cost. */
export interface SeedOutcome {
  readonly kind: 'protocol' | 'nodes';
  readonly result: ScenarioResult;
  readonly realMs: number;
}

/** Runs a seed; twice, if its traces are to be compared. */
export async function runSeed(task: SeedTask): Promise<SeedOutcome> {
  const startedMs = performance.now();
  const scenario = drawScenario(task);
  let result = await playScenario(scenario);
  const { seed, checkDeterminism: every } = task;
  if (every !== undefined && seed % every === 0) result = compared(result, await playScenario(scenario));
  return { kind: kindOf(task), result, realMs: performance.now() - startedMs };
}

/** Rule 22: the same seed gives the same trace. */
export function compared(first: ScenarioResult, second: ScenarioResult): ScenarioResult {
  if (first.traceHash === second.traceHash) return first;
  const message = `Invariant 22 is broken: two runs of seed ${first.seed} gave the traces ${first.traceHash} and ${second.traceHash}`;
  return { ...first, ok: false, violation: { invariant: '22', message, atMs: first.stats.virtualMs } };
}

/** What is known of a run that gave nothing back. */
export function failed(seed: number, invariant: string, message: string): ScenarioResult {
  return {
    seed,
    ok: false,
    violation: { invariant, message, atMs: 0 },
    traceHash: '',
    sometimes: {},
    faults: {},
    stats: { virtualMs: 0, inputs: 0, messages: 0 },
  };
}
