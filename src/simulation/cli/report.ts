import { describeSchedule } from '../scenarios/describe.js';
import type { Violation } from '../scenarios/scenario-result.js';
import { describeScenario, type AnyScenario } from './any-scenario.js';
import type { Tally } from './tally.js';
import { DID_NOT_END, THREAD_FAILED } from './thread-runner.js';

const FAULTS_PER_LINE = 8;
const NO_RULES: ReadonlySet<string> = new Set([DID_NOT_END, THREAD_FAILED]);

/** A broken rule, with what is needed to understand and to repeat it. */
export interface ViolationReport {
  readonly seed: number;
  readonly kind: 'protocol' | 'nodes';
  readonly violation: Violation;
  /** The command that runs it again, with a trace. */
  readonly replay: string;
  /** The scenario as it was drawn. */
  readonly scenario?: AnyScenario | undefined;
  readonly shrunk?:
    { readonly scenario: AnyScenario; readonly violation: Violation; readonly attempts: number } | undefined;
}

/** The whole report as data, for `--json`. */
export interface JsonReport {
  readonly ok: boolean;
  readonly from: number;
  readonly seeds: number;
  readonly nodes: readonly [number, number];
  /** Sizes of the clusters of whole nodes, where there are any. */
  readonly wholeNodes: readonly [number, number];
  readonly jobs: number;
  readonly wholeNodeSeeds: number;
  readonly virtualHours: number;
  readonly inputs: number;
  readonly messages: number;
  readonly realSeconds: number;
  readonly eventsPerSecond: number;
  readonly slowest: readonly { readonly seed: number; readonly realMs: number }[];
  /** How many faults of each kind were done. */
  readonly faults: Readonly<Record<string, number>>;
  readonly sometimes: Readonly<Record<string, { readonly times: number; readonly seeds: number }>>;
  readonly missing: readonly string[];
  readonly violations: readonly ViolationReport[];
}

/** What a run came to, as data. */
export function reportOf(
  tally: Tally,
  run: Pick<JsonReport, 'from' | 'nodes' | 'wholeNodes' | 'jobs' | 'realSeconds' | 'violations'>,
): JsonReport {
  return {
    ok: tally.ok,
    from: run.from,
    seeds: tally.seeds,
    nodes: run.nodes,
    wholeNodes: run.wholeNodes,
    jobs: run.jobs,
    wholeNodeSeeds: tally.wholeNodeSeeds,
    virtualHours: tally.virtualMs / 3_600_000,
    inputs: tally.inputs,
    messages: tally.messages,
    realSeconds: run.realSeconds,
    eventsPerSecond: Math.round(tally.inputs / run.realSeconds),
    slowest: tally.slowest.map(({ result, realMs }) => ({ seed: result.seed, realMs: Math.round(realMs) })),
    faults: Object.fromEntries(tally.faults),
    sometimes: Object.fromEntries(tally.paths),
    missing: tally.missing,
    violations: run.violations,
  };
}

/** What a run came to, for people. */
export function summary(report: JsonReport): string {
  const { seeds, from, missing, sometimes, violations } = report;
  const lines = [
    `${count(seeds)} seeds from ${from}, ${sizesText(report)}: ${verdict(report)}`,
    `${report.virtualHours.toFixed(1)} virtual hours, ${count(report.inputs)} inputs, ${count(report.messages)} messages`,
    `in ${report.realSeconds.toFixed(1)} s with ${report.jobs} jobs: ${count(report.eventsPerSecond)} inputs/s, ` +
      `${(report.realSeconds / Math.max(1, seeds)).toFixed(3)} s per seed`,
    `slowest: ${report.slowest.map(({ seed, realMs }) => `${seed} (${(realMs / 1000).toFixed(1)} s)`).join(', ')}`,
    ...faultLines(report.faults),
    ...pathLines(sometimes),
  ];
  if (missing.length > 0) lines.push(`missing (never taken): ${missing.join(', ')}`);
  if (violations.length > 1) lines.push(`violated: ${violations.map(({ seed }) => seed).join(', ')}`);
  return `${lines.join('\n')}\n`;
}

/** `5..64`, or `7`. */
export function rangeText([min, max]: readonly [number, number]): string {
  return min === max ? String(min) : `${min}..${max}`;
}

function sizesText({ seeds, wholeNodeSeeds, nodes, wholeNodes }: JsonReport): string {
  const whole = `${rangeText(wholeNodes)} whole nodes`;
  if (wholeNodeSeeds === seeds && seeds > 0) return whole;
  return wholeNodeSeeds === 0
    ? `${rangeText(nodes)} nodes`
    : `${rangeText(nodes)} nodes, ${count(wholeNodeSeeds)} of them of ${whole}`;
}

/** A violation for people. */
export function violationText(report: ViolationReport): string {
  const { seed, violation, replay, scenario, shrunk } = report;
  const lines = [
    '',
    NO_RULES.has(violation.invariant)
      ? `seed ${seed} ${violation.invariant}`
      : `seed ${seed} breaks rule ${violation.invariant} ${at(violation)}`,
    `  ${violation.message}`,
  ];
  if (scenario !== undefined)
    lines.push(`  ${describeScenario(scenario)}; ${scenario.schedule.length} faults`);
  if (shrunk !== undefined) {
    const faults = shrunk.scenario.schedule.length;
    lines.push(
      `shrunk to ${faults} ${faults === 1 ? 'fault' : 'faults'} in ${shrunk.attempts} attempts: ${describeScenario(shrunk.scenario)}`,
      `  ${shrunk.violation.message} ${at(shrunk.violation)}`,
      describeSchedule(shrunk.scenario.schedule),
      'the same as JSON (replay it with: npm run simulate -- --schedule FILE --trace):',
      JSON.stringify(shrunk.scenario),
    );
  }
  lines.push('replay with:', `  ${replay}`, '');
  return lines.join('\n');
}

function verdict({ ok, violations, missing }: JsonReport): string {
  if (ok) return 'all is well';
  return violations.length > 0
    ? `${violations.length} broke a rule`
    : `${missing.length} paths were never taken`;
}

/** Some kinds on each line. */
function faultLines(faults: JsonReport['faults']): string[] {
  const entries = Object.entries(faults);
  const lines: string[] = [];
  const each = Math.ceil(entries.length / Math.max(1, Math.ceil(entries.length / FAULTS_PER_LINE)));
  for (let at = 0; at < entries.length; at += each) {
    const told = entries.slice(at, at + each).map(([kind, times]) => `${kind} ${count(times)}`);
    lines.push(`${at === 0 ? 'faults:' : '       '} ${told.join(', ')}`);
  }
  return lines;
}

function pathLines(sometimes: JsonReport['sometimes']): string[] {
  const entries = Object.entries(sometimes);
  if (entries.length === 0) return [];
  const width = Math.max(...entries.map(([path]) => path.length));
  return [
    'sometimes:',
    ...entries.map(
      ([path, { times, seeds }]) =>
        `  ${path.padEnd(width)} ${count(times).padStart(11)} times in ${count(seeds)} seeds`,
    ),
  ];
}

function at({ atMs }: Violation): string {
  return `at ${(atMs / 1000).toFixed(3)} s`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
