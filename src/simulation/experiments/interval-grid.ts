import type { Conclusion } from './experiment.js';
import type { Series } from './protocols.js';
import { groupBy, mean, rounded, total } from './statistics.js';

/** One run of Lifeguard's Interval experiment: a protocol at a place of the grid. */
export interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly anomalies: number;
  readonly durationMs: number;
  readonly intervalMs: number;
  readonly messageCostMs: number;
}

/** Whom it accused, and what it cost. */
export interface Outcome {
  /** FP: `unreachable` events, anywhere, about members that were not anomalous. */
  readonly falsePositives: number;
  /** FP−: those of them at members that were not anomalous either. */
  readonly atHealthy: number;
  /** Verdicts of members' own about members that were not anomalous, so not those that only passed on. */
  readonly verdicts: number;
  readonly verdictsAtHealthy: number;
  /** Sent during the anomalies and between them, by protocols. */
  readonly messages: number;
}

/** A run with what came of it. */
export interface Run {
  readonly cell: Cell;
  readonly outcome: Outcome;
}

/** Names a place of the grid. */
export function placeOf({ anomalies, durationMs, intervalMs }: Cell): string {
  return `${anomalies} ${durationMs} ${intervalMs}`;
}

/** Where the percentages come from: they hang on how long a slow member is free. */
export function pausesTable(runs: readonly Run[]): Conclusion['tables'][number] {
  const names = [...new Set(runs.map(({ cell }) => cell.series.name))].filter((name) => name !== 'SWIM');
  const sum = (of: readonly Run[], name: string): number =>
    total(of.filter(({ cell }) => cell.series.name === name).map(({ outcome }) => outcome.falsePositives));
  return {
    title: 'The same by pause: SWIM’s false positives, and the others’ in percent of them',
    columns: ['I (ms)', 'SWIM', ...names],
    rows: [...groupBy(runs, ({ cell }) => cell.intervalMs)].map(([intervalMs, of]) => {
      const swim = sum(of, 'SWIM');
      return [
        intervalMs,
        swim,
        ...names.map((name) => (swim === 0 ? '' : rounded(percent(sum(of, name), swim), 2))),
      ];
    }),
  };
}

/** The whole grid. */
export function gridTable(runs: readonly Run[]): Conclusion['tables'][number] {
  const names = [...new Set(runs.map(({ cell }) => cell.series.name))];
  return {
    title: 'False positives at each place of the grid, a run',
    columns: ['C', 'D (ms)', 'I (ms)', ...names],
    rows: [...groupBy(runs, ({ cell }) => placeOf(cell)).values()].map((of) => {
      const { anomalies, durationMs, intervalMs } = of[0]!.cell;
      const counts = names.map((name) =>
        rounded(
          mean(
            of.filter(({ cell }) => cell.series.name === name).map(({ outcome }) => outcome.falsePositives),
          ),
          1,
        ),
      );
      return [anomalies, durationMs, intervalMs, ...counts];
    }),
  };
}

/** In percent; NaN of nothing. */
export function percent(part: number, whole = Number.NaN): number {
  return (100 * part) / whole;
}
