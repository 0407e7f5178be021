import { describe, expect, it } from '@jest/globals';
import type {
  Experiment,
  ExperimentOptions,
  Figure,
} from '../../../src/simulation/experiments/experiment.js';
import { lifeguardInterval } from '../../../src/simulation/experiments/lifeguard-interval.js';
import { lifeguardThreshold } from '../../../src/simulation/experiments/lifeguard-threshold.js';
import { memberlistSyncMs, swimCount } from '../../../src/simulation/experiments/protocols.js';
import { scale } from '../../../src/simulation/experiments/scale.js';
import { swimDetection } from '../../../src/simulation/experiments/swim-detection.js';
import { swimDissemination } from '../../../src/simulation/experiments/swim-dissemination.js';
import {
  falsePositiveProbability,
  swimFalsePositives,
} from '../../../src/simulation/experiments/swim-false-positives.js';
import { swimLoad } from '../../../src/simulation/experiments/swim-load.js';
import { swimSuspicion } from '../../../src/simulation/experiments/swim-suspicion.js';

const host = { realNowMs: () => 0, heapUsedBytes: () => 0, peakRssBytes: () => 0 };

/** A small version of an experiment: only the cells that are wanted. */
function conclude<Cell, Outcome>(
  experiment: Experiment<Cell, Outcome>,
  changes: Partial<ExperimentOptions>,
  wanted: (cell: Cell) => boolean = () => true,
) {
  const options: ExperimentOptions = { seed: 1, preset: 'lan', components: {}, full: false, ...changes };
  const cells = experiment.cells(options).filter(wanted);
  return experiment.conclude(
    options,
    cells,
    cells.map((cell) => experiment.run(cell, host)),
  );
}

function verdicts(figures: readonly Figure[]): Record<string, string> {
  return Object.fromEntries(figures.map(({ what, verdict }) => [what, verdict]));
}

const isPapers = ({ series }: { readonly series: { readonly isPapers: boolean } }): boolean =>
  series.isPapers;

describe('SWIM', () => {
  it('sends the same from 8 to 128 members, and this library too', () => {
    const { figures } = conclude(swimLoad, { nodes: [8, 128], runs: 1 });
    expect(new Set(Object.values(verdicts(figures)))).toEqual(new Set(['matches']));
  });

  it('pings the dead within the paper’s bound on average', () => {
    const { figures } = conclude(swimDetection, { nodes: [8, 16], runs: 25 }, isPapers);
    expect(verdicts(figures)).toMatchObject({
      'SWIM: mean to the first ping, beside the bound e/(e − 1)': 'matches',
    });
  });

  it('spreads news as an infection does', () => {
    const { figures } = conclude(swimDissemination, { nodes: [13, 28], runs: 4 }, isPapers);
    expect(new Set(Object.values(verdicts(figures)))).toEqual(new Set(['matches']));
  });

  it('holds a lossy group together by suspicion, and hardly by infection alone', () => {
    const { tables } = conclude(swimSuspicion, { runs: 6 }, isPapers);
    const [basic, infection, suspicion] = tables[0]!.rows.map(([, size]) => Number(size));
    expect(Math.max(basic!, infection!)).toBeLessThan(4);
    expect(suspicion).toBeGreaterThan(12);
  });

  it('fails probes of live members as often as the closed form says', () => {
    const { figures } = conclude(swimFalsePositives, { nodes: [32], loss: [0.1], relays: [1, 3] }, isPapers);
    expect(figures.map(({ verdict }) => verdict)).toEqual(['matches', 'matches']);
  });

  it.each([
    [1, 0.05, 1.8e-2],
    [3, 0.05, 6.2e-4],
    [5, 0.05, 2.1e-5],
    [1, 0.1, 6.5e-2],
    [3, 0.1, 7.7e-3],
    [5, 0.1, 9.1e-4],
  ])('has for k = %i and loss %f the probability %f', (relays, loss, expected) => {
    expect(falsePositiveProbability(relays, loss) / expected).toBeCloseTo(1, 1);
  });

  it('suspects for 9, 12 and 15 periods, with steps at 20 and 54 members', () => {
    expect([19, 20, 53, 54].map(swimCount)).toEqual([9, 12, 12, 15]);
  });
});

describe('this library’s additions', () => {
  it('are measured beside the paper’s protocol, in the same experiment', () => {
    const { gains } = conclude(swimDetection, { nodes: [8], runs: 10 });
    const [silent, crash] = gains;
    expect([silent!.what, crash!.what]).toEqual([
      'mean time to the first suspicion, after a loss of power',
      'mean time to the first suspicion, after a crash',
    ]);
    expect(parseFloat(silent!.own)).toBeGreaterThan(1);
    expect(parseFloat(crash!.papers)).toBeGreaterThan(1);
    // A closed connection is a reason to probe at once, which silence never is.
    expect(parseFloat(crash!.own)).toBeLessThan(0.1);
  });

  it('are not compared where one side was not run', () => {
    expect(conclude(swimDetection, { nodes: [8], runs: 2 }, isPapers).gains).toEqual([]);
  });
});

describe('Lifeguard', () => {
  it('finds failures as soon as SWIM, at the times of Table V', () => {
    const { tables } = conclude(
      lifeguardThreshold,
      { runs: 1, anomalies: [16], durationsMs: [32_768] },
      ({ series }) => series.name === 'SWIM' || series.name === 'Lifeguard',
    );
    for (const [name, count, missed, first, , , all] of tables[0]!.rows) {
      expect([name, count, missed]).toEqual([expect.stringMatching(/SWIM|Lifeguard/), 16, 0]);
      expect(Math.abs(Number(first) - 12.44)).toBeLessThan(1);
      expect(Math.abs(Number(all) - 12.9)).toBeLessThan(1);
    }
  });

  it('accuses hardly anybody where SWIM accuses many', () => {
    const { tables, figures } = conclude(
      lifeguardInterval,
      { nodes: [48], anomalies: [12], durationsMs: [16_384], intervalsMs: [16] },
      ({ series }) => series.name === 'SWIM' || series.name === 'Lifeguard',
    );
    const [swim, lifeguard] = tables[0]!.rows.map(([, falsePositives]) => Number(falsePositives));
    expect(swim).toBeGreaterThan(50);
    expect(lifeguard).toBeLessThan(swim! * 0.03);
    expect(figures[0]).toMatchObject({ what: 'Lifeguard: FP, % of SWIM', verdict: 'matches' });
  });

  it('is told of a suspicion even by a member that is awake for a millisecond at a time', () => {
    const options: ExperimentOptions = { seed: 1, preset: 'lan', components: {}, full: false, nodes: [48] };
    const cells = lifeguardInterval.cells({
      ...options,
      anomalies: [8],
      durationsMs: [16_384],
      intervalsMs: [1],
    });
    const slowToJudge = cells.find(({ series }) => series.name === 'LHA-Suspicion')!;
    const { falsePositives, atHealthy } = lifeguardInterval.run(slowToJudge, host);
    // Datagrams need no link that could have been closed, so whoever is accused refutes long before the verdict.
    expect(falsePositives).toBeGreaterThan(10);
    expect(atHealthy).toBe(0);
  });

  it('is compared at each place of the grid by the same seed, and by another at each other place', () => {
    const cells = lifeguardInterval.cells({ seed: 5, preset: 'lan', components: {}, full: false });
    const seedsOf = (name: string) =>
      cells.filter(({ series }) => series.name === name).map(({ seed }) => seed);
    expect(new Set(seedsOf('SWIM')).size).toBe(48);
    expect(seedsOf('Buddy')).toEqual(seedsOf('SWIM'));
  });

  it('syncs every 30 s, and more seldom for each doubling beyond 32 members', () => {
    expect([8, 32, 33, 64, 65, 128].map(memberlistSyncMs)).toEqual(
      [30, 30, 60, 60, 90, 90].map((seconds) => seconds * 1000),
    );
  });
});

describe('a large cluster', () => {
  it('is measured from nothing to the agreement after crashes', () => {
    const { tables } = conclude(scale, { nodes: [32], runs: 2 });
    const phases = ['join together, until all agree', '10 s at rest', '10 crash, until all agree'];
    expect(tables[0]!.rows.map(([, phase]) => phase)).toEqual([...phases, ...phases]);
    for (const row of tables[0]!.rows) expect(Number(row[4])).toBeGreaterThan(0);
  });
});
