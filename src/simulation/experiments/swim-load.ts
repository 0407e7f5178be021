import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { gain } from './gain.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPackOwn, periodMs, swimPaper, type Series } from './protocols.js';
import { joinInTurn, messageCounts, rest } from './settled-cluster.js';
import { groupBy, mean, rounded } from './statistics.js';
import { atMost, within } from './verdict.js';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
}

/** Messages per member and period. */
interface Outcome {
  readonly sent: number;
  readonly received: number;
}

/** The paper's sizes, and two beyond them. */
const NODES = [8, 16, 24, 32, 40, 48, 55, 128, 512];
/** From here on one run is enough, and takes long. */
const LARGE = 100;
const PERIODS = 40;

/** Fig 2: how many messages a member sends and gets, by the size of the group. */
export const swimLoad: Experiment<Cell, Outcome> = {
  name: 'swim-load',
  title: 'Messages per member and period',
  source: 'SWIM §5.1, Figure 2',
  takes: { nodes: 'several', runs: 'one', relays: 'one' },

  cells(options) {
    const cells: Cell[] = [];
    for (const nodes of options.nodes ?? NODES)
      for (let run = 0; run < (options.runs ?? (nodes > LARGE ? 1 : 3)); run++)
        for (const series of [swimPaper('SWIM', nodes, options), clusterPackOwn(options)])
          cells.push({ series, nodes, seed: options.seed + run });
    return cells;
  },

  run({ series, nodes, seed }) {
    const cluster = observedCluster({ series, nodes, seed, start: 'apart' }, {});
    joinInTurn(cluster, series);
    rest(cluster, series);
    const before = messageCounts(cluster);
    cluster.runFor(PERIODS * periodMs(series));
    const after = messageCounts(cluster);
    const each = nodes * PERIODS;
    return { sent: (after.sent - before.sent) / each, received: (after.received - before.received) / each };
  },

  conclude,
};

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ ...cell, ...outcomes[at]! }));
  const rows = [...groupBy(runs, ({ series, nodes }) => `${series.isPapers} ${nodes}`).values()].map(
    (of) => ({
      series: of[0]!.series,
      nodes: of[0]!.nodes,
      sent: mean(of.map(({ sent }) => sent)),
      received: mean(of.map(({ received }) => received)),
    }),
  );
  const papers = rows.filter(({ series }) => series.isPapers);
  const own = rows.filter(({ series }) => !series.isPapers);
  const spread = (of: typeof rows): number =>
    Math.max(...of.map(({ sent }) => sent)) / Math.min(...of.map(({ sent }) => sent)) - 1;
  return {
    settings: {
      nodes: papers.map(({ nodes }) => nodes).join(', '),
      periods: PERIODS,
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
    },
    tables: [
      {
        title: 'Messages per member and period, in a group at rest',
        columns: ['protocol', 'nodes', 'sent', 'received'],
        rows: [...papers, ...own].map(({ series, nodes, sent, received }) => [
          series.name,
          nodes,
          rounded(sent, 3),
          rounded(received, 3),
        ]),
      },
    ],
    figures: [
      within(
        {
          what: 'SWIM: sent per member and period',
          measured: mean(papers.map(({ sent }) => sent)),
          paper: 2,
          tag: 'T',
        },
        0.1,
      ),
      within(
        {
          what: 'SWIM: received per member and period',
          measured: mean(papers.map(({ received }) => received)),
          paper: 2,
          tag: 'T',
        },
        0.1,
      ),
      // One size is flat whatever it sends.
      ...(papers.length < 2
        ? []
        : [
            atMost(
              { what: 'SWIM: most over least sent, − 1', measured: spread(papers), paper: 0, tag: 'T' },
              0.05,
            ),
            atMost(
              { what: 'ClusterPack: most over least sent, − 1', measured: spread(own), paper: 0, tag: 'T' },
              0.05,
            ),
          ]),
    ],
    gains: gain('messages sent per member and period, at rest', {
      papers: mean(papers.map(({ sent }) => sent)),
      own: mean(own.map(({ sent }) => sent)),
    }),
    plots: [
      {
        title: 'Messages sent per member and period',
        kind: 'line',
        xLabel: 'members',
        yLabel: 'messages',
        series: [
          { name: 'SWIM', points: papers.map(({ nodes, sent }) => [nodes, rounded(sent, 3)] as const) },
          { name: 'ClusterPack', points: own.map(({ nodes, sent }) => [nodes, rounded(sent, 3)] as const) },
        ],
      },
    ],
    notes: [
      'A group at rest has nothing to tell: gossip rounds run only while something waits, so that this library pays what SWIM pays.',
    ],
  };
}
