import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { gain } from './gain.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPackOwn, periodMs, swimPaper, type Series } from './protocols.js';
import { groupBy, rounded, total } from './statistics.js';
import { shown, withinRatio } from './verdict.js';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly relays: number;
  readonly loss: number;
  readonly periods: number;
}

interface Outcome {
  readonly probes: number;
  readonly failed: number;
  /** Verdicts about members that live: only after a whole suspicion, so in the library's series only. */
  readonly verdicts: number;
}

const NODES = 64;
const RELAYS = [1, 3, 5];
const LOSS = [0.05, 0.1];
/** Enough periods for about this many false positives, within bounds. */
const WANTED = 400;
const MOST_PERIODS = 2500;
/** Where so many would not do to compare anything: 64 members then make 640,000 probes, of which the closed form fails 13. */
const MOST_PERIODS_OF_RARE = 10_000;
const RARE = 50;
const LEAST_PERIODS = 100;

/** The false positives of one period, by the members asked for an indirect probe. */
export const swimFalsePositives: Experiment<Cell, Outcome> = {
  name: 'swim-false-positives',
  title: 'False positives per probe under loss, without suspicions',
  source: 'SWIM §3.1; closed form of one period',
  takes: { nodes: 'one', runs: 'one', loss: 'several', relays: 'several' },

  cells(options) {
    const nodes = options.nodes?.[0] ?? NODES;
    const cells: Cell[] = [];
    for (const loss of options.loss ?? LOSS)
      for (const relays of options.relays ?? RELAYS)
        for (let run = 0; run < (options.runs ?? (options.full ? 10 : 1)); run++)
          for (const series of [probeOnly(nodes, relays, options), ownWith(relays, options)]) {
            const periods = periodsFor(nodes, relays, loss, series.isPapers);
            cells.push({ series, nodes, seed: options.seed + run, relays, loss, periods });
          }
    return cells;
  },

  run({ series, nodes, seed, loss, periods }) {
    let verdicts = 0;
    const cluster = observedCluster(
      { nodes, seed, series, start: 'together' },
      {
        event(_observer, _about, { type }) {
          if (type === 'unreachable') verdicts++;
        },
      },
    );
    cluster.settle().runFor(5 * periodMs(series));
    const count = (counter: string): number =>
      total(cluster.names.map((name) => cluster.node(name).protocol.counters[counter] ?? 0));
    const before = { probes: count('probes'), failed: count('probesFailed') };
    cluster.lose(loss).runFor(periods * periodMs(series));
    return {
      probes: count('probes') - before.probes,
      failed: count('probesFailed') - before.failed,
      verdicts,
    };
  },

  conclude,
};

/** A suspicion that never ends: what fails is counted, and nobody is lost. */
function probeOnly(nodes: number, relays: number, options: ExperimentOptions): Series {
  const paper = swimPaper('SWIM', nodes, options);
  return { ...paper, swim: { ...paper.swim, indirectProbes: relays, suspicionAlpha: 1e6 } };
}

function ownWith(relays: number, options: ExperimentOptions): Series {
  const own = clusterPackOwn(options);
  return { ...own, swim: { ...own.swim, indirectProbes: relays } };
}

/** The probability that one probe of a live member fails: neither the ping and its ack nor any relay's four messages. */
export function falsePositiveProbability(relays: number, loss: number): number {
  const delivered = 1 - loss;
  return (1 - delivered ** 2) * (1 - delivered ** 4) ** relays;
}

function periodsFor(nodes: number, relays: number, loss: number, isCompared: boolean): number {
  const perPeriod = nodes * falsePositiveProbability(relays, loss);
  const isRare = isCompared && perPeriod * MOST_PERIODS < RARE;
  const most = isRare ? MOST_PERIODS_OF_RARE : MOST_PERIODS;
  return Math.round(Math.min(most, Math.max(LEAST_PERIODS, WANTED / perPeriod)));
}

/** Three standard deviations of the count, as a share of the expected one: what chance alone explains. */
function monteCarloError(expected: number): number {
  return 3 / Math.sqrt(Math.max(1, expected));
}

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ ...cell, ...outcomes[at]! }));
  const key = ({ series, loss, relays }: Cell): string => `${series.isPapers} ${loss} ${relays}`;
  const rows = [...groupBy(runs, key).values()].map((of) => {
    const { series, loss, relays } = of[0]!;
    const probes = total(of.map((run) => run.probes));
    const failed = total(of.map((run) => run.failed));
    return {
      series,
      loss,
      relays,
      probes,
      failed,
      share: failed / probes,
      theory: falsePositiveProbability(relays, loss),
      verdicts: total(of.map((run) => run.verdicts)),
    };
  });
  const ordered = rows.toSorted((a, b) => Number(b.series.isPapers) - Number(a.series.isPapers));
  return {
    settings: {
      nodes: cells[0]?.nodes ?? 0,
      'probes of each': 'as many as give about 400 failures, at most 10,000 periods',
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
    },
    tables: [
      {
        title: 'Failed probes of live members',
        columns: ['protocol', 'q_ml', 'k', 'probes', 'failed', 'share', 'closed form', 'verdicts'],
        rows: ordered.map((row) => [
          row.series.name,
          rounded(1 - row.loss, 2),
          row.relays,
          row.probes,
          row.failed,
          shown(row.share),
          shown(row.theory),
          row.verdicts,
        ]),
      },
    ],
    figures: ordered
      .filter(({ series }) => series.isPapers)
      .map((row) => {
        const error = monteCarloError(row.probes * row.theory);
        return withinRatio(
          {
            what: `SWIM: q_ml ${rounded(1 - row.loss, 2)}, k ${row.relays}`,
            measured: row.share,
            paper: row.theory,
            tag: 'D',
          },
          rounded(Math.max(0, 1 - error), 2),
          rounded(1 + error, 2),
        );
      }),
    gains: rows
      .filter(({ series }) => series.isPapers)
      .flatMap((row) => {
        const same = rows.find(
          ({ series, loss, relays }) => !series.isPapers && loss === row.loss && relays === row.relays,
        );
        return gain(
          `share of failed probes of live members, q_ml ${rounded(1 - row.loss, 2)}, k ${row.relays}`,
          {
            papers: row.share,
            own: same?.share ?? Number.NaN,
          },
        );
      }),
    plots: [
      {
        title: 'Failed probes of live members',
        kind: 'bar',
        xLabel: '',
        yLabel: 'share',
        isLogarithmic: true,
        series: [
          ...[true, false].map((isPapers) => ({
            name: isPapers ? 'SWIM' : 'ClusterPack',
            points: rows
              .filter(({ series, failed }) => series.isPapers === isPapers && failed > 0)
              .map(({ loss, relays, share }) => [`loss ${loss}, k ${relays}`, share] as const),
          })),
          {
            name: 'closed form',
            points: rows
              .filter(({ series }) => series.isPapers)
              .map(({ loss, relays, theory }) => [`loss ${loss}, k ${relays}`, theory] as const),
          },
        ],
      },
    ],
    notes: [
      'The tolerance is three standard deviations of the number of failures that the closed form expects.',
      'Whole messages are lost here. Over TCP a lost packet is a delay, so a real cluster is far better off than either column.',
      'ClusterPack’s probes fail less often: the ping on a fresh connection is one more way. Its verdicts are those after a whole suspicion.',
    ],
  };
}
