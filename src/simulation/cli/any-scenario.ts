import { describeNodes, generateNodeScenario, type NodeScenario } from '../nodes/node-scenario.js';
import { nodeScenarioFromJson } from '../nodes/node-scenario-json.js';
import { nodeShrinks } from '../nodes/node-shrinks.js';
import { runNodeSchedule } from '../nodes/run-node-scenario.js';
import { describeCluster } from '../scenarios/describe.js';
import { jsonOf } from '../scenarios/fault-json.js';
import { generateScenario } from '../scenarios/generate.js';
import { runScenario } from '../scenarios/run-scenario.js';
import { scenarioFromJson } from '../scenarios/scenario-json.js';
import type { ScenarioResult } from '../scenarios/scenario-result.js';
import type { Scenario } from '../scenarios/scenario.js';
import { protocolShrinks, shrink, type ShrinkOptions, type Shrunk } from '../scenarios/shrink.js';
import { WHOLE_NODES, type ScenarioKind } from './cli-options.js';

/** A scenario of either kind, as data. */
export type AnyScenario = Scenario | NodeScenario;

/** What is traced of one run. */
export interface TraceOptions {
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Only of the protocol: nodes have nothing that could be written for each frame. */
  readonly traceMessages?: boolean | undefined;
}

/** Every so many seeds of a mixed run are of whole nodes. */
const NODES_EVERY = 4;

/** What kind of scenario a seed stands for. */
export function kindOf({
  seed,
  kind,
}: {
  readonly seed: number;
  readonly kind: ScenarioKind;
}): 'protocol' | 'nodes' {
  if (kind !== 'mixed') return kind;
  return seed % NODES_EVERY === NODES_EVERY - 1 ? 'nodes' : 'protocol';
}

/** What a seed's scenario follows from. */
export interface ScenarioTask {
  readonly seed: number;
  readonly nodes: readonly [number, number];
  readonly kind: ScenarioKind;
}

/**
 * The sizes among which a seed's is drawn. In a mixed run those of whole nodes, which cost a hundred times as much as the
 * protocol alone, are smaller.
 */
export function sizesOf(task: ScenarioTask): readonly [number, number] {
  return task.kind === 'mixed' && kindOf(task) === 'nodes' ? wholeNodesAmong(task.nodes) : task.nodes;
}

/** @see sizesOf */
export function wholeNodesAmong([min, max]: readonly [number, number]): readonly [number, number] {
  return [Math.min(min, WHOLE_NODES[0]), Math.min(max, WHOLE_NODES[1])];
}

/** The scenario that a seed stands for. */
export function drawScenario(task: ScenarioTask): AnyScenario {
  const nodes = sizesOf(task);
  return kindOf(task) === 'protocol'
    ? generateScenario(task.seed, { nodes })
    : generateNodeScenario(task.seed, { nodes });
}

/** Runs a scenario to its end or to the first broken rule. */
export async function playScenario(scenario: AnyScenario, trace: TraceOptions = {}): Promise<ScenarioResult> {
  return isOfNodes(scenario) ? runNodeSchedule(scenario, trace) : runScenario(scenario, trace);
}

/** Finds a smaller one that breaks the same rule. */
export function shrinkScenario(
  scenario: AnyScenario,
  result: ScenarioResult,
  options: Omit<ShrinkOptions<AnyScenario>, 'plainer' | 'isSound'>,
): Promise<Shrunk<AnyScenario>> {
  return isOfNodes(scenario)
    ? shrink(scenario, result, { ...options, ...nodeShrinks })
    : shrink(scenario, result, { ...options, ...protocolShrinks });
}

/** What its cluster is, on one line. */
export function describeScenario(scenario: AnyScenario): string {
  return isOfNodes(scenario) ? describeNodes(scenario) : describeCluster(scenario);
}

/**
 * Reads a scenario that was saved as JSON.
 *
 * @param option which option named it, for errors
 * @throws InvalidOptionError with the place of the first mistake
 */
export function readScenario(text: string, option: string): AnyScenario {
  const json = jsonOf(text, option) as { readonly kind?: unknown } | null;
  return json?.kind === 'nodes' ? nodeScenarioFromJson(text, option) : scenarioFromJson(text, option);
}

/** Whether its nodes are whole ones. */
export function isOfNodes(scenario: AnyScenario): scenario is NodeScenario {
  return 'kind' in scenario;
}
