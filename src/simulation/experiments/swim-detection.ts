import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { pickMembers } from './anomalies.js';
import { gain } from './gain.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPackOwn, periodMs, swimPaper, type Series } from './protocols.js';
import { rest } from './settled-cluster.js';
import { groupBy, mean, quantile, rounded } from './statistics.js';
import { atMost, between, within } from './verdict.js';

/** `power-off`: nothing answers any more, as the paper's process · `crash`: the kernel refuses in its place. */
type Death = 'power-off' | 'crash';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly death: Death;
}

/** In periods after the death. */
interface Outcome {
  /** The first ping that nobody answers. */
  readonly firstPing: number;
  /** The first suspicion: in the paper without suspicions the declaration. */
  readonly firstSuspicion: number;
}

const NODES = [8, 12, 16, 20, 24, 28, 32, 36, 40];
/** E[T] = T′ · 1/(1 − e^−1): in periods. */
const BOUND = 1 / (1 - Math.exp(-1));
const PATIENCE_PERIODS = 100;

/** Fig 3a: how long until some member notices a failure. */
export const swimDetection: Experiment<Cell, Outcome> = {
  name: 'swim-detection',
  title: 'Time to the first detection of a failure',
  source: 'SWIM §5.2, Figure 3(a)',
  takes: { nodes: 'several', runs: 'one', relays: 'one' },

  cells(options) {
    const cells: Cell[] = [];
    for (const nodes of options.nodes ?? NODES)
      for (let run = 0; run < (options.runs ?? (options.full ? 200 : 60)); run++) {
        const seed = options.seed + run;
        const own = clusterPackOwn(options);
        cells.push({ series: swimPaper('SWIM', nodes, options), nodes, seed, death: 'power-off' });
        cells.push({ series: own, nodes, seed, death: 'power-off' });
        cells.push({ series: own, nodes, seed, death: 'crash' });
      }
    return cells;
  },

  run({ series, nodes, seed, death }) {
    let victim = '';
    let diedAtMs = Number.POSITIVE_INFINITY;
    let pingedAtMs = Number.NaN;
    let suspectedAtMs = Number.NaN;
    const cluster = observedCluster(
      { series, nodes, seed, start: 'together' },
      {
        event(_observer, about, { type }) {
          if (about === victim && type === 'suspected' && Number.isNaN(suspectedAtMs))
            suspectedAtMs = cluster.nowMs;
        },
        trace(_observer, { kind, about }) {
          if (kind !== 'probe' || about === undefined || !Number.isNaN(pingedAtMs)) return;
          if (cluster.nowMs > diedAtMs && cluster.journal.nameOf(about) === victim)
            pingedAtMs = cluster.nowMs;
        },
      },
    );
    rest(cluster, series);
    const periodLengthMs = periodMs(series);
    // At any moment of a period.
    const [picked] = pickMembers(cluster.names, 1, seed);
    cluster.runFor((periodLengthMs * (seed % 17)) / 17);
    victim = picked!;
    diedAtMs = cluster.nowMs;
    cluster.apply({ kind: death, node: victim });
    const endMs = diedAtMs + PATIENCE_PERIODS * periodLengthMs;
    while (Number.isNaN(suspectedAtMs) && cluster.nowMs < endMs) cluster.runFor(periodLengthMs / 4);
    return {
      firstPing: (pingedAtMs - diedAtMs) / periodLengthMs,
      firstSuspicion: (suspectedAtMs - diedAtMs) / periodLengthMs,
    };
  },

  conclude,
};

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ ...cell, name: nameOf(cell), ...outcomes[at]! }));
  const rows = [...groupBy(runs, ({ name, nodes }) => `${name} ${nodes}`).values()].map((of) => ({
    name: of[0]!.name,
    nodes: of[0]!.nodes,
    ping: mean(of.map(({ firstPing }) => firstPing)),
    suspicion: mean(of.map(({ firstSuspicion }) => firstSuspicion)),
    most: quantile(
      of.map(({ firstSuspicion }) => firstSuspicion),
      1,
    ),
  }));
  const byName = groupBy(rows, ({ name }) => name);
  const swim = runs.filter(({ series }) => series.isPapers);
  const means = byName.get('SWIM') ?? [];
  const suspicions = means.map(({ suspicion }) => suspicion);
  return {
    settings: {
      nodes: [...new Set(cells.map(({ nodes }) => nodes))].join(', '),
      'T′ of SWIM (s)': 2,
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
    },
    tables: [
      {
        title: 'Periods from the failure to its first detection',
        columns: ['protocol', 'nodes', 'first ping, mean', 'first suspicion, mean', 'most'],
        rows: [...byName.values()]
          .flat()
          .map(({ name, nodes, ping, suspicion, most }) => [
            name,
            nodes,
            Number.isNaN(ping) ? '' : rounded(ping, 2),
            rounded(suspicion, 2),
            rounded(most, 2),
          ]),
      },
    ],
    figures: [
      atMost(
        {
          what: 'SWIM: mean to the first ping, beside the bound e/(e − 1)',
          measured: mean(swim.map(({ firstPing }) => firstPing)),
          paper: BOUND,
          unit: 'periods',
          tag: 'T',
        },
        rounded(BOUND, 3),
      ),
      within(
        {
          what: 'SWIM: mean to the first ping, unsynchronised',
          measured: mean(swim.map(({ firstPing }) => firstPing)),
          paper: 1,
          unit: 'periods',
          tag: 'D',
        },
        0.15,
      ),
      within(
        {
          what: 'SWIM: mean to the first suspicion, unsynchronised',
          measured: mean(swim.map(({ firstSuspicion }) => firstSuspicion)),
          paper: 2,
          unit: 'periods',
          tag: 'D',
        },
        0.15,
      ),
      between(
        {
          what: 'SWIM: least mean of a size',
          measured: Math.min(...suspicions),
          unit: 'periods',
          tag: 'F',
        },
        0.9,
        2.2,
      ),
      between(
        {
          what: 'SWIM: largest mean of a size',
          measured: Math.max(...suspicions),
          unit: 'periods',
          tag: 'F',
        },
        0.9,
        2.4,
      ),
    ],
    gains: [...new Set(cells.map(({ death }) => death))].flatMap((death) =>
      gain(`mean time to the first suspicion, after a ${death === 'crash' ? 'crash' : 'loss of power'}`, {
        papers: mean(suspicions),
        own: mean((byName.get(`ClusterPack, ${death}`) ?? []).map(({ suspicion }) => suspicion)),
        unit: 'periods',
      }),
    ),
    plots: [
      {
        title: 'Mean periods to the first detection',
        kind: 'line',
        xLabel: 'members',
        yLabel: 'periods',
        series: [...byName].map(([name, of]) => ({
          name,
          points: of.map(({ nodes, suspicion }) => [nodes, rounded(suspicion, 3)] as const),
        })),
      },
    ],
    notes: [
      'A period of SWIM is 2 s here, one of ClusterPack that of its preset.',
      'The paper’s plot counts whole periods of one clock; here each member’s period begins when it likes, and its verdict comes at the end of its period, which adds one to the first ping.',
      'The ranges [F] are 1 to 2 ± 10 %, and ± 20 % for the largest, which is the largest of several means of few runs.',
      'ClusterPack after a crash: the kernel refuses, and a closed connection is a reason to probe out of turn (docs/PROTOCOL.md, hard evidence).',
    ],
  };
}

function nameOf({ series, death }: Cell): string {
  return series.isPapers ? 'SWIM' : `ClusterPack, ${death}`;
}
