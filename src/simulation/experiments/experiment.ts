import type { SwimComponents, SwimPreset } from '../../membership/swim/options.js';

/** What the command line sets; each experiment has its own defaults for what is undefined. */
export interface ExperimentOptions {
  /** Sizes of clusters. */
  readonly nodes?: readonly number[] | undefined;
  /** Repetitions of each cell, with seeds that follow each other. */
  readonly runs?: number | undefined;
  readonly seed: number;
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
  /** Of the series that are this library's own. */
  readonly preset: SwimPreset;
  /** Switched on or off in every series, whatever it stands for. */
  readonly components: Readonly<Partial<Record<keyof SwimComponents, boolean>>>;
  /** Shares of messages that are lost. */
  readonly loss?: readonly number[] | undefined;
  /** k, the members asked for an indirect probe. */
  readonly relays?: readonly number[] | undefined;
  /** C, members that are anomalous at once. */
  readonly anomalies?: readonly number[] | undefined;
  /** D, lengths of an anomaly, ms. */
  readonly durationsMs?: readonly number[] | undefined;
  /** I, pauses between two anomalies, ms. */
  readonly intervalsMs?: readonly number[] | undefined;
  /** What a message costs an anomalous member that gets through what has piled up, ms. */
  readonly messageCostMs?: number | undefined;
  /** The paper's whole grid. */
  readonly full: boolean;
}

/**
 * Where a paper's figure comes from: `T` read in the paper or in a reference implementation · `F` read off a plot by eye
 * (±10 %) · `D` derived in `literature.md`.
 */
export type FigureTag = 'T' | 'F' | 'D';

/** `within chance`: the order may be this or the other, more runs would tell. */
export type Verdict = 'matches' | 'differs' | 'order holds' | 'order broken' | 'within chance';

/** One thing that a paper says, and what was seen here. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly paper: string;
  readonly tolerance: string;
  readonly verdict: Verdict;
  readonly tag: FigureTag;
}

/** The same thing of a paper's protocol and of this library as it is used: what its additions gain, or cost. */
export interface Gain {
  readonly what: string;
  readonly papers: string;
  readonly own: string;
}

/** Numbers are rounded where they are made, so that text, JSON and documents show the same. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A diagram as data; `scripts/experiments.mjs` draws it. */
export interface Plot {
  readonly title: string;
  readonly kind: 'line' | 'bar';
  readonly xLabel: string;
  readonly yLabel: string;
  readonly isLogarithmic?: boolean | undefined;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number | string, y: number])[];
  }[];
}

/** What an experiment found. */
export interface Conclusion {
  /** What it was run with, as people read it. */
  readonly settings: Readonly<Record<string, string | number>>;
  readonly tables: readonly Table[];
  readonly figures: readonly Figure[];
  readonly gains: readonly Gain[];
  readonly plots: readonly Plot[];
  /** What has to be known to read the figures: decisions, differences, their reasons. */
  readonly notes: readonly string[];
}

/** An experiment's result, as it goes to JSON. */
export interface ExperimentResult extends Conclusion {
  /** What repeats it, with every option that was given. */
  readonly command: string;
  readonly name: string;
  readonly title: string;
  readonly source: string;
}

/** Real time and memory: an experiment that wants them is given them. */
export interface Host {
  realNowMs(): number;
  heapUsedBytes(): number;
  /** The most that the process has held so far. */
  peakRssBytes(): number;
}

/** Options of the command line that only some experiments use. All use the others. */
export type SpecialOption =
  'nodes' | 'runs' | 'loss' | 'relays' | 'anomalies' | 'duration' | 'interval' | 'message-cost';

/** An experiment: independent pieces of work, and what follows from their outcomes. */
export interface Experiment<Cell = unknown, Outcome = unknown> {
  readonly name: string;
  readonly title: string;
  /** The paper and its figure or table. */
  readonly source: string;
  /** Which options it uses, and with how many values. */
  readonly takes: Readonly<Partial<Record<SpecialOption, 'one' | 'several'>>>;
  /** It measures real time, so that nothing else may run beside it. */
  readonly isTimed?: boolean | undefined;
  /** What is to be run. Plain data, so that other threads can run it. */
  cells(options: ExperimentOptions): readonly Cell[];
  /** Runs one: the same cell gives the same outcome, which is plain data too. */
  run(cell: Cell, host: Host): Outcome;
  conclude(options: ExperimentOptions, cells: readonly Cell[], outcomes: readonly Outcome[]): Conclusion;
}
