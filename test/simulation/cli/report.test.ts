import { describe, expect, it } from '@jest/globals';
import { reportOf, summary, violationText } from '../../../src/simulation/cli/report.js';
import type { SeedOutcome } from '../../../src/simulation/cli/run-seed.js';
import { Tally } from '../../../src/simulation/cli/tally.js';

function outcome(seed: number, change: Partial<SeedOutcome['result']> = {}): SeedOutcome {
  const stats = { virtualMs: 36_000, inputs: 1000, messages: 500 };
  return {
    kind: seed % 4 === 3 ? 'nodes' : 'protocol',
    result: {
      seed,
      ok: true,
      traceHash: '',
      sometimes: { reaped: 2 },
      faults: { crash: 2, restart: seed % 2 },
      stats,
      ...change,
    },
    realMs: seed * 100,
  };
}

function tallied(count: number, ...paths: readonly string[]): Tally {
  const tally = new Tally(paths);
  for (let seed = 0; seed < count; seed++) tally.add(outcome(seed));
  return tally;
}

const run = {
  from: 0,
  nodes: [5, 64],
  wholeNodes: [3, 8],
  jobs: 2,
  realSeconds: 10,
  violations: [],
} as const;

describe('the summary of a run', () => {
  it('tells how much was run, the slowest seeds, and the paths', () => {
    expect(summary(reportOf(tallied(20, 'reaped', 'slept'), run))).toBe(
      [
        '20 seeds from 0, 5..64 nodes, 5 of them of 3..8 whole nodes: all is well',
        '0.2 virtual hours, 20,000 inputs, 10,000 messages',
        'in 10.0 s with 2 jobs: 2,000 inputs/s, 0.500 s per seed',
        'slowest: 19 (1.9 s), 18 (1.8 s), 17 (1.7 s), 16 (1.6 s), 15 (1.5 s)',
        'faults: crash 40, restart 10',
        'sometimes:',
        '  reaped          40 times in 20 seeds',
        '  slept            0 times in 0 seeds',
        'missing (never taken): slept',
        '',
      ].join('\n'),
    );
  });

  it('is bad when a path was never taken in 200 seeds, but not in 199', () => {
    expect(tallied(199, 'slept').ok).toBe(true);
    const long = tallied(200, 'slept');
    expect(long.ok).toBe(false);
    expect(summary(reportOf(long, run))).toContain(': 1 paths were never taken\n');
    expect(tallied(200, 'reaped').ok).toBe(true);
  });

  it('is bad when a rule was broken', () => {
    const tally = tallied(1);
    const violation = { invariant: '5', message: 'Invariant 5 is broken: a did it', atMs: 1234.5 };
    tally.add(outcome(7, { ok: false, violation }));
    expect(tally.ok).toBe(false);
    const violations = [
      { seed: 7, kind: 'protocol', violation, replay: 'npm run simulate -- --seed 7' },
    ] as const;
    expect(summary(reportOf(tally, { ...run, violations }))).toContain(': 1 broke a rule\n');
    expect(violationText(violations[0])).toBe(
      [
        '',
        'seed 7 breaks rule 5 at 1.234 s',
        '  Invariant 5 is broken: a did it',
        'replay with:',
        '  npm run simulate -- --seed 7',
        '',
      ].join('\n'),
    );
  });
});
