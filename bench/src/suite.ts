import type { Plot as Drawing } from '../../scripts/draw-plot.mjs';

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

/** A plot that is a file of its own. */
export interface Plot extends Drawing {
  /** File name without its ending. */
  readonly name: string;
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
