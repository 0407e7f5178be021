/** A plot as data; those of the experiments have this shape, too. */
export interface Plot {
  readonly title: string;
  readonly kind: 'line' | 'bar';
  readonly xLabel?: string;
  readonly yLabel: string;
  readonly isLogarithmic?: boolean | undefined;
  /** For bars x is the name of a group; a y that is no number leaves its place empty. */
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number | string, y: number])[];
  }[];
}

/** Gives the text of an SVG file. */
export function drawPlot(plot: Plot): string;
