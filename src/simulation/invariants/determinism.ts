import { TraceHash } from '../scenarios/trace-hash.js';
import { violated } from './violation.js';

/** Plays a scenario from its seed; every line of its trace goes to `onTrace`. */
export type TracedScenario = (onTrace: (line: string) => void) => void;

/**
 * Rule 22: the same seed gives the same trace. Plays a scenario twice.
 *
 * @returns the hash of the trace
 * @throws SimulationError naming the first line that differs
 */
export function checkDeterminism(scenario: TracedScenario): string {
  const first = hashTrace(scenario);
  const second = hashTrace(scenario);
  if (first.digest === second.digest) return first.digest;
  const length = Math.min(first.lines.length, second.lines.length);
  let at = 0;
  while (at < length && first.lines[at] === second.lines[at]) at++;
  const [before, after] = [lineOf(first.lines, at), lineOf(second.lines, at)];
  return violated(22, { name: 'the scenario' }, `gave as line ${at + 1} first ${before}, then ${after}`);
}

/** Plays a scenario once. */
export function hashTrace(scenario: TracedScenario): {
  readonly digest: string;
  readonly lines: readonly string[];
} {
  const hash = new TraceHash();
  const lines: string[] = [];
  scenario((line) => {
    hash.add(line);
    lines.push(line);
  });
  return { digest: hash.digest, lines };
}

function lineOf(lines: readonly string[], at: number): string {
  const line = lines[at];
  return line === undefined ? 'nothing' : `"${line.trim()}"`;
}
