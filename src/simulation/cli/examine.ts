import type { ScenarioResult } from '../scenarios/scenario-result.js';
import {
  drawScenario,
  shrinkScenario,
  sizesOf,
  type AnyScenario,
  type ScenarioTask,
} from './any-scenario.js';
import type { CliIo } from './cli-io.js';
import { rangeText, type ViolationReport } from './report.js';
import type { SeedOutcome } from './run-seed.js';
import type { SeedRunner } from './seed-runner.js';
import { DID_NOT_END, THREAD_FAILED } from './thread-runner.js';

const PROGRESS_MS = 3000;
const MAX_ATTEMPTS = 600;
/** Real time for one shrinking: what is small after that is small enough, and CI has its limits. */
const SHRINK_MS = 90_000;

/** Two runs that differ, or one that gives nothing back, are not shrunk: a candidate would tell no more. */
const UNSHRINKABLE: ReadonlySet<string> = new Set(['22', DID_NOT_END, THREAD_FAILED]);

/** Makes a report of a violation; with a runner, also the shortest schedule that breaks the same rule. */
export async function examine(
  { kind, result }: Pick<SeedOutcome, 'kind' | 'result'>,
  task: Omit<ScenarioTask, 'seed'>,
  runner: SeedRunner | undefined,
  io: CliIo,
): Promise<ViolationReport> {
  const { seed } = result;
  const nodes = sizesOf({ ...task, seed });
  const scenario = drawScenario({ seed, nodes, kind });
  return {
    seed,
    kind,
    violation: result.violation!,
    replay: `npm run simulate -- --seed ${seed} --nodes ${rangeText(nodes)} --kind ${kind} --trace`,
    scenario,
    shrunk: runner && (await shrunkOf(scenario, result, runner, io)),
  };
}

/** Shrinks, and tells people who wait how far it is. */
export async function shrunkOf(
  scenario: AnyScenario,
  result: ScenarioResult,
  runner: SeedRunner,
  io: CliIo,
): Promise<ViolationReport['shrunk']> {
  const { violation } = result;
  if (violation === undefined || UNSHRINKABLE.has(violation.invariant)) return undefined;
  // If the process is ended meanwhile, this is all that anybody sees.
  io.err(`seed ${scenario.seed} breaks rule ${violation.invariant}: ${violation.message}; shrinking\n`);
  const startedMs = performance.now();
  let toldMs = startedMs;
  const shrunk = await shrinkScenario(scenario, result, {
    run: (candidate) => runner.play(candidate),
    maxAttempts: MAX_ATTEMPTS,
    isOver: () => performance.now() - startedMs > SHRINK_MS,
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
    violation: shrunk.result.violation ?? violation,
    attempts: shrunk.attempts,
  };
}
