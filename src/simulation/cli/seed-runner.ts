import type { ScenarioResult } from '../scenarios/scenario-result.js';
import { playScenario, type AnyScenario } from './any-scenario.js';
import { runSeed, type SeedOutcome, type SeedTask } from './run-seed.js';

/** Runs one thing at a time. */
export interface SeedRunner {
  run(task: SeedTask): Promise<SeedOutcome>;
  /** Runs a scenario that is not what its seed gives: a candidate of shrinking. */
  play(scenario: AnyScenario): Promise<ScenarioResult>;
  close(): Promise<void>;
}

/** Makes a runner that gives a run up after so long, in real milliseconds. */
export type RunnerOf = (timeoutMs: number) => SeedRunner;

/** Runs seeds in this thread, where nothing can end one that does not end by itself: for tests. */
export function localRunner(): SeedRunner {
  return { run: runSeed, play: (scenario) => playScenario(scenario), close: async () => {} };
}
