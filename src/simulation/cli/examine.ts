import { generateScenario } from '../scenarios/generate.js';
import { runScenario } from '../scenarios/run-scenario.js';
import type { Scenario } from '../scenarios/scenario.js';
import type { ScenarioResult } from '../scenarios/scenario-result.js';
import { shrink } from '../scenarios/shrink.js';
import type { CliIo } from './cli-io.js';
import type { ViolationReport } from './report.js';
import type { SeedOutcome } from './run-seed.js';

const PROGRESS_MS = 3000;
const MAX_ATTEMPTS = 600;

/** Makes a report of a violation; unless told not to, with the shortest schedule that breaks the same rule. */
export function examine(
  { kind, result }: Pick<SeedOutcome, 'kind' | 'result'>,
  options: { readonly nodes: readonly [number, number]; readonly shrink: boolean },
  io: CliIo,
): ViolationReport {
  const { seed } = result;
  const range = options.nodes[0] === options.nodes[1] ? options.nodes[0] : options.nodes.join('..');
  const report = {
    seed,
    kind,
    violation: result.violation!,
    replay: `npm run simulate -- --seed ${seed} --nodes ${range} --kind ${kind} --trace`,
  };
  if (kind === 'nodes') return report;
  const scenario = generateScenario(seed, options);
  return { ...report, scenario, shrunk: options.shrink ? shrunkOf(scenario, result, io) : undefined };
}

/** Shrinks, and tells people who wait how far it is. Two runs that differ are not shrunk: a third would differ too. */
export function shrunkOf(scenario: Scenario, result: ScenarioResult, io: CliIo): ViolationReport['shrunk'] {
  if (result.violation === undefined || result.violation.invariant === '22') return undefined;
  let toldMs = performance.now();
  const shrunk = shrink(scenario, result, {
    run: (candidate) => runScenario(candidate),
    maxAttempts: MAX_ATTEMPTS,
    onProgress: (attempts, smallest) => {
      if (performance.now() - toldMs < PROGRESS_MS) return;
      toldMs = performance.now();
      io.err(
        `shrinking seed ${scenario.seed}: ${attempts} attempts, ${smallest.schedule.length} faults, ${smallest.nodes} nodes\n`,
      );
    },
  });
  return {
    scenario: shrunk.scenario,
    violation: shrunk.result.violation ?? result.violation,
    attempts: shrunk.attempts,
  };
}
