import { describe, expect, it } from '@jest/globals';
import { mean, median, quantile, standardError } from '../../../src/simulation/experiments/statistics.js';
import {
  atMost,
  between,
  rising,
  risingBeyondChance,
  shown,
  within,
  withinRatio,
} from '../../../src/simulation/experiments/verdict.js';

const figure = { what: 'a time', unit: 's', tag: 'T' } as const;

describe('a verdict', () => {
  it('says "matches" within the tolerance and "differs" beyond it', () => {
    expect(within({ ...figure, measured: 12.8, paper: 12.44 }, 0.4).verdict).toBe('matches');
    expect(within({ ...figure, measured: 12.85, paper: 12.44 }, 0.4).verdict).toBe('differs');
    expect(within({ ...figure, measured: 12.0, paper: 12.44 }, 0.4).verdict).toBe('differs');
  });

  it('says "differs" of what was never seen', () => {
    expect(within({ ...figure, measured: Number.NaN, paper: 1 }, 10).verdict).toBe('differs');
    expect(withinRatio({ ...figure, measured: Number.NaN, paper: 1 }, 0, 10).verdict).toBe('differs');
    expect(atMost({ ...figure, measured: Number.NaN, paper: 1 }).verdict).toBe('differs');
    expect(within({ ...figure, measured: Number.NaN, paper: 1 }, 10).measured).toBe('never s');
  });

  it('compares by ratio, by bound and by range', () => {
    expect(withinRatio({ ...figure, measured: 2, paper: 1.1 }, 0.8, 1.3).verdict).toBe('differs');
    expect(withinRatio({ ...figure, measured: 1.2, paper: 1.1 }, 0.8, 1.3).verdict).toBe('matches');
    expect(atMost({ ...figure, measured: 2.9, paper: 1.53 }, 3).verdict).toBe('matches');
    expect(atMost({ ...figure, measured: 3.1, paper: 1.53 }, 3).verdict).toBe('differs');
    expect(between({ ...figure, measured: 0.9 }, 1, 3).verdict).toBe('differs');
    expect(between({ ...figure, measured: 3 }, 1, 3)).toMatchObject({
      verdict: 'matches',
      paper: '1 to 3 s',
    });
  });

  it('of an order says whether it holds by more than chance, is reversed by more, or neither', () => {
    const order = (...means: number[]) =>
      risingBeyondChance(
        'sizes',
        'T',
        means.map((measured, at) => ({ name: `p${at}`, measured, error: 0.3, paper: at })),
      ).verdict;
    expect([order(1, 2, 3), order(1, 2, 2.1), order(1, 2, 1.9), order(1, 3, 2)]).toEqual([
      'order holds',
      'within chance',
      'within chance',
      'order broken',
    ]);
  });

  it('keeps the paper’s own figure and the tag beside it', () => {
    expect(withinRatio({ what: 'x', measured: 0.5, paper: 0.25, tag: 'D' }, 0.5, 1.5)).toEqual({
      what: 'x',
      measured: '0.5',
      paper: '0.25',
      tolerance: '×0.5 to ×1.5',
      verdict: 'differs',
      tag: 'D',
    });
  });

  it('of an order holds only when each is less than the next', () => {
    const order = (...measured: number[]) =>
      rising(
        'order',
        'T',
        measured.map((value, at) => ({ name: `p${at}`, measured: value, paper: at })),
      ).verdict;
    expect(order(1, 2, 3)).toBe('order holds');
    expect(order(1, 1, 3)).toBe('order broken');
    expect(order(2, 1, 3)).toBe('order broken');
    expect(order(1, Number.NaN, 3)).toBe('order broken');
  });
});

describe('statistics', () => {
  it('take quantiles between neighbours, whatever the order', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  });

  it('of nothing are NaN, not 0', () => {
    expect([mean([]), median([]), quantile([], 1)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it('know how far a mean may be off', () => {
    expect(standardError([1, 3, 1, 3])).toBeCloseTo(Math.sqrt(4 / 3 / 4));
  });

  it('show small and large numbers so that they tell something', () => {
    expect([shown(0.000021), shown(12.4449), shown(123_456.7), shown(0)]).toEqual([
      '2.1e-5',
      '12.44',
      '123457',
      '0',
    ]);
  });
});
