import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { pickMembers } from './anomalies.js';
import { gain } from './gain.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPackOwn, periodMs, swimPaper, type Series } from './protocols.js';
import { rest } from './settled-cluster.js';
import { groupBy, mean, median, rounded } from './statistics.js';
import { atMost, between, withinRatio } from './verdict.js';

/** `failure`: that of a member that died, from the first suspicion on · `update`: one of a member's own metadata. */
type News = 'failure' | 'update';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly news: News;
}

interface Outcome {
  /** When each of the others learned it, in periods after the first; a member that never did is missing. */
  readonly periods: readonly number[];
  readonly missing: number;
}

/** Fig 3b, read off by eye [F]: medians, in periods. */
const PAPER: ReadonlyMap<number, number> = new Map([
  [6, 1.0],
  [13, 1.25],
  [20, 3.0],
  [28, 3.05],
  [35, 2.0],
  [43, 2.5],
  [52, 1.5],
  [56, 2.25],
]);
const PAPER_MOST = 5.6;
const PATIENCE_PERIODS = 60;

/** Fig 3b: how long news takes to reach everybody. */
export const swimDissemination: Experiment<Cell, Outcome> = {
  name: 'swim-dissemination',
  title: 'Time to tell everybody',
  source: 'SWIM §5.2, Figure 3(b)',
  takes: { nodes: 'several', runs: 'one', relays: 'one' },

  cells(options) {
    const cells: Cell[] = [];
    for (const nodes of options.nodes ?? PAPER.keys())
      for (let run = 0; run < (options.runs ?? (options.full ? 100 : 20)); run++)
        for (const news of ['failure', 'update'] as const)
          for (const series of [swimPaper('SWIM', nodes, options), clusterPackOwn(options)])
            cells.push({ series, nodes, seed: options.seed + run, news });
    return cells;
  },

  run({ series, nodes, seed, news }) {
    const learnedAtMs = new Map<string, number>();
    let subject = '';
    const wanted = news === 'failure' ? 'suspected' : 'updated';
    const cluster = observedCluster(
      { series, nodes, seed, start: 'together' },
      {
        event(observer, about, { type }) {
          if (about === subject && type === wanted && !learnedAtMs.has(observer))
            learnedAtMs.set(observer, cluster.nowMs);
        },
      },
    );
    rest(cluster, series);
    const [picked] = pickMembers(cluster.names, 1, seed);
    subject = picked!;
    if (news === 'failure') cluster.powerOff(subject);
    else cluster.setMetadata(subject, { version: 2 });
    const audience = news === 'failure' ? nodes - 1 : nodes;
    const endMs = cluster.nowMs + PATIENCE_PERIODS * periodMs(series);
    while (learnedAtMs.size < audience && cluster.nowMs < endMs) cluster.runFor(periodMs(series) / 4);
    const firstMs = Math.min(...learnedAtMs.values());
    const periods = [...learnedAtMs.values()].map((atMs) => (atMs - firstMs) / periodMs(series));
    return { periods: periods.sort((a, b) => a - b).slice(1), missing: audience - learnedAtMs.size };
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
    median: median(of.flatMap(({ periods }) => periods)),
    most: mean(of.map(({ periods }) => Math.max(...periods))),
    missing: mean(of.map(({ missing }) => missing)),
  }));
  const byName = groupBy(rows, ({ name }) => name);
  const failures = byName.get('SWIM, failure') ?? [];
  const updates = byName.get('SWIM, update') ?? [];
  const theory = mean(updates.map(({ nodes }) => halfTime(nodes)));
  return {
    settings: {
      nodes: [...new Set(cells.map(({ nodes }) => nodes))].join(', '),
      'T′ of SWIM (s)': 2,
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
    },
    tables: [
      {
        title: 'Periods until a member has learned it, since the first one has',
        columns: [
          'protocol, news',
          'nodes',
          'median',
          'last, mean of runs',
          'never',
          'paper median',
          'half-time',
        ],
        rows: [...byName.values()]
          .flat()
          .map((row) => [
            row.name,
            row.nodes,
            rounded(row.median, 2),
            rounded(row.most, 2),
            rounded(row.missing, 2),
            row.name === 'SWIM, failure' ? (PAPER.get(row.nodes) ?? '') : '',
            row.name === 'SWIM, update' ? rounded(halfTime(row.nodes), 2) : '',
          ]),
      },
    ],
    figures: [
      between(
        {
          what: 'SWIM: median of a failure’s spread, all sizes',
          measured: median(failures.map((row) => row.median)),
          unit: 'periods',
          tag: 'F',
        },
        1,
        3,
      ),
      atMost(
        {
          what: 'SWIM: mean time to the last member, largest size',
          measured: failures.at(-1)?.most ?? Number.NaN,
          paper: PAPER_MOST,
          unit: 'periods',
          tag: 'F',
        },
        rounded(PAPER_MOST * 1.1, 2),
      ),
      withinRatio(
        {
          what: 'SWIM: median of an update’s spread, beside ln(n−1)/(2−1/n)',
          measured: mean(updates.map((row) => row.median)),
          paper: theory,
          unit: 'periods',
          tag: 'D',
        },
        0.5,
        2,
      ),
    ],
    gains: ['failure', 'update'].flatMap((news) => {
      const medianOf = (protocol: string): number =>
        mean((byName.get(`${protocol}, ${news}`) ?? []).map((row) => row.median));
      return gain(
        `median time until a member has learned of ${news === 'failure' ? 'a failure' : 'an update'}`,
        {
          papers: medianOf('SWIM'),
          own: medianOf('ClusterPack'),
          unit: 'periods',
        },
      );
    }),
    plots: [
      {
        title: 'Median periods to learn of it',
        kind: 'line',
        xLabel: 'members',
        yLabel: 'periods',
        series: [
          ...[...byName].map(([name, of]) => ({
            name,
            points: of.map((row) => [row.nodes, rounded(row.median, 3)] as const),
          })),
          { name: 'paper', points: [...PAPER] },
        ],
      },
    ],
    notes: [
      'The paper’s medians go up and down between 1 and 3 periods with the size: each of its points is one failure. Here they are medians over all members and runs.',
      'A failure spreads faster than an update: others find it too, at the end of their own probes.',
      'ClusterPack gossips every 200 ms beside its pings, so it needs less than a period of 1 s.',
    ],
  };
}

/** When half are infected, in periods: the logistic curve of SWIM §4.1. */
function halfTime(nodes: number): number {
  return Math.log(nodes - 1) / (2 - 1 / nodes);
}

function nameOf({ series, news }: Cell): string {
  return `${series.isPapers ? 'SWIM' : 'ClusterPack'}, ${news}`;
}
