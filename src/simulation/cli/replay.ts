import { readFileSync } from 'node:fs';
import { InvalidOptionError } from '../../errors.js';
import { describeSchedule } from '../scenarios/describe.js';
import {
  describeScenario,
  drawScenario,
  isOfNodes,
  playScenario,
  readScenario,
  type AnyScenario,
} from './any-scenario.js';
import type { CliIo } from './cli-io.js';
import type { CliOptions } from './cli-options.js';
import { examine, shrunkOf } from './examine.js';
import { violationText, type ViolationReport } from './report.js';
import { compared, type SeedOutcome } from './run-seed.js';
import type { RunnerOf, SeedRunner } from './seed-runner.js';
import { saveScenario, writeReport } from './survey.js';
import { openTrace, type TraceTarget } from './trace-target.js';

/**
 * Runs one seed, or one saved scenario, with a trace if that is asked for. It runs in this thread, and as long as it
 * takes: whoever replays a run that does not end wants to see where it is.
 */
export async function replay(options: CliOptions, io: CliIo, runnerOf: RunnerOf): Promise<number> {
  const { seed, schedule, nodes, kind } = options;
  const scenario =
    schedule === undefined
      ? drawScenario({ seed: seed!, nodes, kind })
      : readScenario(readText(schedule), '--schedule');
  const trace = openTrace(options.trace, io);
  let outcome: SeedOutcome;
  try {
    outcome = await play(scenario, options, trace, io);
  } finally {
    trace.close();
  }
  const report = outcome.result.ok ? undefined : await examined(scenario, outcome, options, io, runnerOf);
  saveScenario(report?.shrunk?.scenario ?? scenario, options.save);
  tell(outcome, report, options, io);
  return outcome.result.ok ? 0 : 1;
}

async function play(
  scenario: AnyScenario,
  options: CliOptions,
  trace: TraceTarget,
  io: CliIo,
): Promise<SeedOutcome> {
  io.err(`seed ${scenario.seed}: ${describeScenario(scenario)}\n${describeSchedule(scenario.schedule)}\n`);
  const { messages: traceMessages, checkDeterminism } = options;
  const startedMs = performance.now();
  let result = await playScenario(scenario, { onTrace: trace.write, traceMessages });
  if (checkDeterminism !== undefined) {
    result = compared(result, await playScenario(scenario, { traceMessages }));
  }
  const kind = isOfNodes(scenario) ? 'nodes' : 'protocol';
  return { kind, result, realMs: performance.now() - startedMs };
}

async function examined(
  scenario: AnyScenario,
  outcome: SeedOutcome,
  options: CliOptions,
  io: CliIo,
  runnerOf: RunnerOf,
): Promise<ViolationReport> {
  const runner: SeedRunner | undefined =
    options.shrink && options.trace === undefined ? runnerOf(options.seedTimeoutMs) : undefined;
  try {
    if (options.schedule === undefined) return await examine(outcome, options, runner, io);
    return {
      seed: scenario.seed,
      kind: outcome.kind,
      violation: outcome.result.violation!,
      replay: `npm run simulate -- --schedule ${options.schedule} --trace`,
      scenario,
      shrunk: runner && (await shrunkOf(scenario, outcome.result, runner, io)),
    };
  } finally {
    await runner?.close();
  }
}

function tell(
  { result, realMs, kind }: SeedOutcome,
  report: ViolationReport | undefined,
  options: CliOptions,
  io: CliIo,
): void {
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
