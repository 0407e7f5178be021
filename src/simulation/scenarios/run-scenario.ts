import type { SwimMessage } from '../../membership/swim/messages.js';
import { resolveSwimOptions } from '../../membership/swim/options.js';
import { longestProbeMs } from '../invariants/bounds.js';
import type { Check } from '../invariants/check.js';
import { Sometimes } from '../invariants/sometimes.js';
import { simulate, type SimulateOptions } from '../simulate.js';
import type { Simulation } from '../simulation.js';
import { SimulationError } from '../simulation-error.js';
import type { Fault, ScheduledFault } from './fault.js';
import { FaultCounts } from './fault-counts.js';
import type { Scenario } from './scenario.js';
import type { ScenarioResult, ScenarioStats, Violation } from './scenario-result.js';
import { TraceHash } from './trace-hash.js';

/** Between two looks at whether all agree: looking costs up to n². */
const AGREEMENT_STEP_MS = 100;
/** After peace, before anybody looks: what crosses the network arrives. */
const QUIET_MS = 1000;
/** Agreement has to last: old news that is still under way must not undo it. */
const LASTING_MS = 10_000;

/** How a scenario is run, beside what it is. */
export interface RunScenarioOptions {
  /** Every line of the trace, as it is written. */
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Messages are in the trace too. Default: false. */
  readonly traceMessages?: boolean | undefined;
  /** Checks beside those that are always on. */
  readonly checks?: readonly Check<SwimMessage>[] | undefined;
  /**
   * Starts the simulation. Default: SWIM with the checks that are always on. Another one serves tests that plant a
   * defect in the protocol, and brings its own checks.
   */
  readonly start?: ((options: SimulateOptions) => Simulation<SwimMessage>) | undefined;
}

/** Runs one scenario to its end or to the first broken rule. */
export function runScenario(scenario: Scenario, options: RunScenarioOptions = {}): ScenarioResult {
  const { onTrace, traceMessages = false, start = simulate } = options;
  const hash = new TraceHash();
  const sometimes = new Sometimes();
  const faults = new FaultCounts();
  let cluster: Simulation<SwimMessage> | undefined;
  let violation: Violation | undefined;
  try {
    cluster = start({
      nodes: scenario.nodes,
      seed: scenario.seed,
      ...scenario.options,
      checks: [sometimes, faults, ...(options.checks ?? [])],
      record: false,
      traceMessages,
      onTrace: (line) => {
        hash.add(line);
        onTrace?.(line);
      },
    });
    play(cluster, scenario);
  } catch (cause) {
    violation = violationOf(cause, cluster?.nowMs);
  }
  return {
    seed: scenario.seed,
    ok: violation === undefined,
    violation,
    traceHash: hash.digest,
    sometimes: Object.fromEntries(sometimes.counts.entries()),
    faults: faults.byKind,
    stats: statsOf(cluster),
  };
}

function play(
  cluster: Simulation<SwimMessage>,
  { options, schedule, runForMs, settleWithinMs }: Scenario,
): void {
  agree(cluster, settleWithinMs);
  const startMs = cluster.nowMs;
  for (const { atMs, fault } of schedule) {
    if (atMs > runForMs) break;
    runUntil(cluster, startMs + atMs);
    cluster.apply(fault);
  }
  runUntil(cluster, startMs + runForMs);
  for (const fault of peace(schedule)) cluster.apply(fault);
  cluster.runFor(QUIET_MS);
  const quietSinceMs = cluster.nowMs;
  agree(cluster, settleWithinMs);
  // A probe that lost its messages before peace may fail until then; its suspicion undoes the agreement until refuted.
  runUntil(cluster, quietSinceMs + longestProbeMs(resolveSwimOptions(options.preset, options.swim)));
  agree(cluster, settleWithinMs);
  cluster.runFor(LASTING_MS);
  if (!cluster.agrees) throw new SimulationError('Invariant 14 is broken: agreement did not last');
  cluster.finish();
}

/** Everything is healed, nobody is held back; who is dead stays dead. */
export function peace(schedule: readonly ScheduledFault[]): readonly Fault[] {
  const slow = new Set<string>();
  const paused = new Set<string>();
  for (const { fault } of schedule) {
    if (fault.kind === 'slow-loop') slow.add(fault.node);
    if (fault.kind === 'pause') paused.add(fault.node);
  }
  return [
    { kind: 'heal-all' },
    ...[...slow].map((node): Fault => ({ kind: 'slow-loop', node, callbackMs: 0 })),
    ...[...paused].map((node): Fault => ({ kind: 'resume', node })),
  ];
}

function runUntil(cluster: Simulation<SwimMessage>, atMs: number): void {
  if (atMs > cluster.nowMs) cluster.runFor(atMs - cluster.nowMs);
}

function agree(cluster: Simulation<SwimMessage>, withinMs: number): void {
  cluster.until('all agree', () => cluster.agrees, { withinMs }, AGREEMENT_STEP_MS);
}

/**
 * What an error says of the rule that it is about. Waiting in vain for agreement breaks rule 14; an exception that is
 * no rule's is a violation like any other, told apart by its class.
 */
export function violationOf(cause: unknown, nowMs: number | undefined): Violation {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [message = text] = text.split('\n');
  const atMs = nowMs ?? Number(/\nat ([\d.]+) ms/.exec(text)?.[1] ?? 0);
  const rule = /^Invariant (\S+) is broken/.exec(message)?.[1];
  if (rule !== undefined) return { invariant: rule, message, atMs };
  if (/^Waited .* until all agree$/.test(message)) return { invariant: '14', message, atMs };
  const origin = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const kind = origin instanceof Error ? origin.name : typeof origin;
  return { invariant: kind === 'SimulationError' ? 'simulation' : kind, message, atMs };
}

function statsOf(cluster: Simulation<SwimMessage> | undefined): ScenarioStats {
  if (cluster === undefined) return { virtualMs: 0, inputs: 0, messages: 0 };
  return { virtualMs: cluster.nowMs, inputs: cluster.inputs, messages: cluster.messagesSent };
}
