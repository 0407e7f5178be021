/** What a suite has found, ready to be shown. */
export interface Findings {
  /** The name of its section. */
  readonly title: string;
  /** What was measured and how, in a few sentences (Markdown). */
  readonly about: string;
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  readonly goals: readonly Goal[];
}

/** Cells are text already; the first column is aligned to the left, all others to the right. */
export interface Table {
  readonly caption?: string | undefined;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A bar chart: groups along the axis, one bar per series in each. */
export interface Plot {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly isLogarithmic: boolean;
  readonly groups: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** A figure that we want to reach. It is reported, never asserted: the machine has its say. */
export interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** How much is measured. */
export interface Effort {
  /** Rounds of everything that is compared side by side. */
  readonly rounds: number;
  /** Only shows that it runs: short, few and small. */
  readonly isQuick: boolean;
  /** Tells what happens. */
  readonly tell: (line: string) => void;
}

/** A part of the benchmark. */
export interface Suite {
  readonly name: string;
  readonly run: (effort: Effort) => Promise<readonly Findings[]>;
}
