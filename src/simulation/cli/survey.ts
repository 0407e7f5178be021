import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { PROTOCOL_PATHS, SESSION_PATHS, SOMETIMES } from '../invariants/sometimes.js';
import { wholeNodesAmong, type AnyScenario } from './any-scenario.js';
import type { CliIo } from './cli-io.js';
import type { CliOptions } from './cli-options.js';
import { examine } from './examine.js';
import { Progress } from './progress.js';
import { reportOf, summary, violationText, type ViolationReport } from './report.js';
import { runSeeds } from './run-seeds.js';
import type { RunnerOf, SeedRunner } from './seed-runner.js';
import { Tally } from './tally.js';

/** With `--keep-going` only the first few violations are shrunk. */
const SHRUNK_AT_MOST = 3;

/** Runs many seeds and tells what came of them. */
export async function survey(options: CliOptions, io: CliIo, runnerOf: RunnerOf): Promise<number> {
  const { from, seeds, minutes, nodes, kind, checkDeterminism, keepGoing } = options;
  const jobs = Math.min(options.jobs ?? availableParallelism(), seeds ?? Infinity);
  const tally = new Tally(
    kind === 'nodes' ? SESSION_PATHS : kind === 'protocol' ? PROTOCOL_PATHS : SOMETIMES,
  );
  const progress = new Progress(io, seeds);
  const startedMs = performance.now();
  const endMs = startedMs + (minutes ?? Infinity) * 60_000;
  const runners = Array.from({ length: jobs }, () => runnerOf(options.seedTimeoutMs));
  let realSeconds = 0;
  let violations: readonly ViolationReport[] = [];
  try {
    await runSeeds({
      task: { nodes, kind, checkDeterminism },
      from,
      seeds,
      runners,
      keepGoing,
      isOver: () => performance.now() > endMs,
      onBegin: (seed) => progress.began(seed),
      onEnd: ({ result }) => progress.ended(result.seed, result.ok),
      onOutcome: (outcome) => tally.add(outcome),
    });
    realSeconds = (performance.now() - startedMs) / 1000;
    progress.close();
    violations = await violationsOf(tally, options, runners[0]!, io);
  } finally {
    progress.close();
    await Promise.all(runners.map((runner) => runner.close()));
  }
  const report = reportOf(tally, {
    from,
    nodes,
    wholeNodes: kind === 'nodes' ? nodes : wholeNodesAmong(nodes),
    jobs,
    realSeconds,
    violations,
  });
  const text = violations.map(violationText).join('') + summary(report);
  const [first] = violations;
  saveScenario(first?.shrunk?.scenario ?? first?.scenario, options.save);
  writeReport(report, text, options.json, io);
  return report.ok ? 0 : 1;
}

/** The report for people goes to standard output unless the data does. */
export function writeReport(report: unknown, text: string, json: string | undefined, io: CliIo): void {
  if (json === '-') {
    io.err(text);
    io.out(`${JSON.stringify(report, undefined, 2)}\n`);
    return;
  }
  io.out(text);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** Writes a scenario as a file for `--schedule`, if both are there. */
export function saveScenario(scenario: AnyScenario | undefined, file: string | undefined): void {
  if (scenario === undefined || file === undefined) return;
  writeFileSync(file, `${JSON.stringify(scenario, undefined, 2)}\n`);
}

async function violationsOf(
  tally: Tally,
  options: CliOptions,
  runner: SeedRunner,
  io: CliIo,
): Promise<readonly ViolationReport[]> {
  const reports: ViolationReport[] = [];
  for (const outcome of tally.violated) {
    const isShrunk = options.shrink && reports.length < SHRUNK_AT_MOST;
    reports.push(await examine(outcome, options, isShrunk ? runner : undefined, io));
  }
  return reports;
}
