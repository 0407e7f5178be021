import { readFileSync } from 'node:fs';
import { InvalidOptionError } from '../../errors.js';
import { describeCluster, describeSchedule } from '../scenarios/describe.js';
import { generateScenario } from '../scenarios/generate.js';
import { runScenario } from '../scenarios/run-scenario.js';
import { scenarioFromJson } from '../scenarios/scenario-json.js';
import type { Scenario } from '../scenarios/scenario.js';
import type { CliIo } from './cli-io.js';
import type { CliOptions } from './cli-options.js';
import { examine, shrunkOf } from './examine.js';
import { violationText, type ViolationReport } from './report.js';
import { compared, kindOf, runSeed, type SeedOutcome } from './run-seed.js';
import { writeReport } from './survey.js';
import { openTrace, type TraceTarget } from './trace-target.js';

/** Runs one seed, or one saved scenario, with a trace if that is asked for. */
export async function replay(options: CliOptions, io: CliIo): Promise<number> {
  const trace = openTrace(options.trace, io);
  try {
    return options.schedule === undefined
      ? await replaySeed(options, options.seed!, trace, io)
      : replaySchedule(options, options.schedule, trace, io);
  } finally {
    trace.close();
  }
}

async function replaySeed(options: CliOptions, seed: number, trace: TraceTarget, io: CliIo): Promise<number> {
  const { nodes, kind, checkDeterminism } = options;
  const task = { seed, nodes, kind, checkDeterminism: checkDeterminism && 1 };
  if (kindOf(task) === 'protocol') introduce(generateScenario(seed, options), io);
  const outcome = await runSeed(task, { onTrace: trace.write, traceMessages: options.messages });
  const report = outcome.result.ok
    ? undefined
    : examine(outcome, { nodes, shrink: options.shrink && options.trace === undefined }, io);
  return tell(outcome, report, options, io);
}

function replaySchedule(options: CliOptions, file: string, trace: TraceTarget, io: CliIo): number {
  const scenario = scenarioFromJson(readText(file), '--schedule');
  introduce(scenario, io);
  const startedMs = performance.now();
  let result = runScenario(scenario, { onTrace: trace.write, traceMessages: options.messages });
  if (options.checkDeterminism !== undefined) {
    const again = runScenario(scenario, { traceMessages: options.messages });
    result = compared(result, again);
  }
  const outcome: SeedOutcome = { kind: 'protocol', result, realMs: performance.now() - startedMs };
  if (result.violation === undefined) return tell(outcome, undefined, options, io);
  const report: ViolationReport = {
    seed: scenario.seed,
    kind: 'protocol',
    violation: result.violation,
    replay: `npm run simulate -- --schedule ${file} --trace`,
    scenario,
    shrunk: options.shrink && options.trace === undefined ? shrunkOf(scenario, result, io) : undefined,
  };
  return tell(outcome, report, options, io);
}

function introduce(scenario: Scenario, io: CliIo): void {
  io.err(`seed ${scenario.seed}: ${describeCluster(scenario)}\n${describeSchedule(scenario.schedule)}\n`);
}

function tell(
  { result, realMs, kind }: SeedOutcome,
  report: ViolationReport | undefined,
  options: CliOptions,
  io: CliIo,
): number {
  const { virtualMs, inputs, messages } = result.stats;
  const taken = Object.entries(result.sometimes).filter(([, times]) => times > 0);
  const text = [
    report === undefined ? `seed ${result.seed}: all is well\n` : violationText(report),
    `${(virtualMs / 1000).toFixed(1)} virtual seconds, ${inputs} inputs, ${messages} messages in ${(realMs / 1000).toFixed(2)} s; trace ${result.traceHash}\n`,
    taken.length === 0 ? '' : `taken: ${taken.map(([path, times]) => `${path} ${times}`).join(', ')}\n`,
  ].join('');
  // A trace on standard output is not mixed with anything else.
  const quiet: CliIo = options.trace === '-' ? { out: io.err, err: io.err } : io;
  writeReport({ kind, ...result, realMs: Math.round(realMs), report }, text, options.json, quiet);
  return result.ok ? 0 : 1;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidOptionError(
      '--schedule',
      `is "${file}", which cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
