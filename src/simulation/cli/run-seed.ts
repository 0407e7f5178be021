import { runNodeScenario } from '../nodes/run-node-scenario.js';
import { generateScenario } from '../scenarios/generate.js';
import { runScenario } from '../scenarios/run-scenario.js';
import type { ScenarioResult } from '../scenarios/scenario-result.js';
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

/** What is traced of one run. */
export interface TraceOptions {
  readonly onTrace?: ((line: string) => void) | undefined;
  readonly traceMessages?: boolean | undefined;
}

const WHOLE_NODES = [3, 8] as const;
/** Every so many seeds of a mixed run are of whole nodes. */
const NODES_EVERY = 4;

/** What kind of scenario a seed stands for. */
export function kindOf({ seed, kind }: Pick<SeedTask, 'seed' | 'kind'>): 'protocol' | 'nodes' {
  if (kind !== 'mixed') return kind;
  return seed % NODES_EVERY === NODES_EVERY - 1 ? 'nodes' : 'protocol';
}

/** Runs a seed; twice, if its traces are to be compared. */
export async function runSeed(task: SeedTask, trace: TraceOptions = {}): Promise<SeedOutcome> {
  const startedMs = performance.now();
  let result = await runOnce(task, trace);
  const { seed, checkDeterminism: every } = task;
  if (every !== undefined && seed % every === 0) result = compared(result, await runOnce(task, {}));
  return { kind: kindOf(task), result, realMs: performance.now() - startedMs };
}

function runOnce(task: SeedTask, trace: TraceOptions): Promise<ScenarioResult> | ScenarioResult {
  if (kindOf(task) === 'nodes') {
    return runNodeScenario(task.seed, { nodes: wholeNodes(task.nodes), onTrace: trace.onTrace });
  }
  return runScenario(generateScenario(task.seed, task), trace);
}

/** Whole nodes cost a hundred times as much as the protocol alone, so their clusters are smaller. */
function wholeNodes([min, max]: SeedTask['nodes']): readonly [number, number] {
  return [Math.min(min, WHOLE_NODES[0]), Math.min(max, WHOLE_NODES[1])];
}

/** Rule 22: the same seed gives the same trace. */
export function compared(first: ScenarioResult, second: ScenarioResult): ScenarioResult {
  if (first.traceHash === second.traceHash) return first;
  const message = `Invariant 22 is broken: two runs of seed ${first.seed} gave the traces ${first.traceHash} and ${second.traceHash}`;
  return { ...first, ok: false, violation: { invariant: '22', message, atMs: first.stats.virtualMs } };
}
