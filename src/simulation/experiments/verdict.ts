import type { Figure, FigureTag } from './experiment.js';

/** What is compared, and what the paper has for it. */
export interface Comparison {
  readonly what: string;
  readonly measured: number;
  readonly paper: number;
  readonly unit?: string | undefined;
  readonly tag: FigureTag;
}

/** Judges a figure by its distance from the paper's. NaN, which stands for "never seen", differs from everything. */
export function within(comparison: Comparison, tolerance: number): Figure {
  const { measured, paper } = comparison;
  return judged(comparison, `±${tolerance}`, Math.abs(measured - paper) <= tolerance);
}

/** Judges a figure by how many times the paper's it is. */
export function withinRatio(comparison: Comparison, least: number, most: number): Figure {
  const ratio = comparison.measured / comparison.paper;
  return judged(comparison, `×${least} to ×${most}`, ratio >= least && ratio <= most);
}

/** Judges a figure by a bound: the paper's, or another one. */
export function atMost(comparison: Comparison, bound = comparison.paper): Figure {
  return judged(comparison, `at most ${bound}`, comparison.measured <= bound);
}

/** Judges a figure by whether it lies in a range that the paper's spread gives. */
export function between(comparison: Omit<Comparison, 'paper'>, least: number, most: number): Figure {
  const { measured } = comparison;
  const figure = judged({ ...comparison, paper: least }, 'inside', measured >= least && measured <= most);
  return { ...figure, paper: withUnit(`${least} to ${most}`, comparison.unit) };
}

/** Judges an order: strictly rising from the first to the last. */
export function rising(
  what: string,
  tag: FigureTag,
  ordered: readonly { readonly name: string; readonly measured: number; readonly paper: number }[],
): Figure {
  const holds = ordered.every(({ measured }, at) => at === 0 || ordered[at - 1]!.measured < measured);
  return {
    what,
    measured: ordered.map(({ name, measured }) => `${name} ${shown(measured)}`).join(', '),
    paper: ordered.map(({ name, paper }) => `${name} ${shown(paper)}`).join(' < '),
    tolerance: 'strict order',
    verdict: holds ? 'order holds' : 'order broken',
    tag,
  };
}

/** So many standard errors are more than chance. */
const CHANCE = 2;

/** Judges an order of means that may be off by chance: each step has to be more than that. */
export function risingBeyondChance(
  what: string,
  tag: FigureTag,
  ordered: readonly {
    readonly name: string;
    readonly measured: number;
    readonly error: number;
    readonly paper: number;
  }[],
): Figure {
  const figure = rising(what, tag, ordered);
  const steps = ordered.slice(1).map(({ measured, error }, at) => {
    const before = ordered[at]!;
    return (measured - before.measured) / Math.hypot(error, before.error);
  });
  const isClear = steps.every((step) => step > CHANCE);
  const isReversed = steps.some((step) => step < -CHANCE);
  return {
    ...figure,
    measured: ordered
      .map(({ name, measured, error }) => `${name} ${shown(measured)} ± ${shown(error)}`)
      .join(', '),
    tolerance: `each step above ${CHANCE} standard errors`,
    verdict: isClear ? 'order holds' : isReversed ? 'order broken' : 'within chance',
  };
}

/** A number with as many digits as tell something. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return 'never';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 0.001) return value.toExponential(1);
  return String(Number(size >= 1000 ? value.toFixed(0) : value.toPrecision(4)));
}

function judged({ what, measured, paper, unit, tag }: Comparison, tolerance: string, holds: boolean): Figure {
  return {
    what,
    measured: withUnit(shown(measured), unit),
    paper: withUnit(shown(paper), unit),
    tolerance,
    verdict: holds ? 'matches' : 'differs',
    tag,
  };
}

function withUnit(text: string, unit: string | undefined): string {
  return unit === undefined ? text : `${text} ${unit}`;
}
