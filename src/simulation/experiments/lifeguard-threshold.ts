import { linkAll, pickMembers, PAPER_ANOMALIES, SETTLE_MS, SLOW_MEMBERS } from './anomalies.js';
import type { Conclusion, Experiment, ExperimentOptions, Figure } from './experiment.js';
import { gain } from './gain.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPack, lifeguardPaper, type Series } from './protocols.js';
import { groupBy, median, quantile, rounded, total } from './statistics.js';
import { within } from './verdict.js';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly anomalies: number;
  readonly durationMs: number;
}

interface Outcome {
  /** Per anomalous member that was found at all: from the anomaly's start to the first healthy member's verdict, ms. */
  readonly firstMs: readonly number[];
  /** To the last healthy member's. */
  readonly fullMs: readonly number[];
  readonly missed: number;
}

/** In a run of this length a failure is declared before the member is back. */
const DURATIONS_MS = [16_384, 32_768];
const ANOMALIES = [1, 8, 16, 32];
/** What is still under way when the anomaly ends. */
const TAIL_MS = 5000;
const STEP_MS = 250;

/** Table V, s: median, 99 % and 99.9 % of the first detection and of the full dissemination. */
const PAPER: Readonly<Record<string, readonly number[]>> = {
  SWIM: [12.44, 16.96, 19.4, 12.9, 16.93, 20.17],
  Lifeguard: [12.45, 17.9, 21.2, 12.91, 18.05, 21.68],
};
/** The other rows' medians lie in this range: its middle. */
const PAPER_OTHERS = [12.435, 12.905] as const;

/** Lifeguard's Threshold experiment: how soon true failures are found. */
export const lifeguardThreshold: Experiment<Cell, Outcome> = {
  name: 'lifeguard-threshold',
  title: 'Time to detect a failure, and to tell everybody',
  source: 'Lifeguard §V-D, Table V',
  takes: SLOW_MEMBERS,

  cells(options) {
    const nodes = options.nodes?.[0] ?? 128;
    const anomalies = options.anomalies ?? (options.full ? PAPER_ANOMALIES : ANOMALIES);
    const cells: Cell[] = [];
    for (let run = 0; run < (options.runs ?? (options.full ? 10 : 4)); run++) {
      for (const series of [...lifeguardPaper(nodes, options), ...clusterPack(options)])
        for (const count of anomalies)
          for (const durationMs of options.durationsMs ?? DURATIONS_MS)
            cells.push({ series, nodes, seed: options.seed + run, anomalies: count, durationMs });
    }
    return cells;
  },

  run(cell) {
    return new Threshold(cell).run();
  },

  conclude,
};

/** One run: members fall silent together, and their discovery is timed. */
class Threshold {
  readonly #cell: Cell;
  readonly #first = new Map<string, number>();
  /** Who knows, of each anomalous member. */
  readonly #knowing = new Map<string, Set<string>>();
  readonly #full = new Map<string, number>();
  #anomalous = new Set<string>();

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  run(): Outcome {
    const { nodes, seed, series, anomalies, durationMs } = this.#cell;
    const cluster = observedCluster(
      { nodes, seed, series, start: 'together' },
      {
        event: (observer, about, { type }) => {
          if (type === 'unreachable') this.#found(observer, about, cluster.nowMs);
        },
      },
    );
    if (series.isPapers) linkAll(cluster);
    cluster.runFor(SETTLE_MS);
    const startMs = cluster.nowMs;
    const chosen = pickMembers(cluster.names, anomalies, seed);
    this.#anomalous = new Set(chosen);
    cluster.blockIo(chosen, durationMs);
    while (this.#full.size < anomalies && cluster.nowMs < startMs + durationMs + TAIL_MS)
      cluster.runFor(STEP_MS);
    const since = (times: Map<string, number>): number[] => [...times.values()].map((atMs) => atMs - startMs);
    return {
      firstMs: since(this.#first),
      fullMs: since(this.#full),
      missed: anomalies - this.#first.size,
    };
  }

  #found(observer: string, about: string, atMs: number): void {
    if (!this.#anomalous.has(about) || this.#anomalous.has(observer)) return;
    if (!this.#first.has(about)) this.#first.set(about, atMs);
    const knowing = this.#knowing.get(about) ?? new Set();
    this.#knowing.set(about, knowing.add(observer));
    const healthy = this.#cell.nodes - this.#anomalous.size;
    if (knowing.size === healthy && !this.#full.has(about)) this.#full.set(about, atMs);
  }
}

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ cell, outcome: outcomes[at]! }));
  const rows = [...groupBy(runs, ({ cell }) => cell.series.name)].map(([name, of]) => {
    const first = of.flatMap(({ outcome }) => outcome.firstMs).map((ms) => ms / 1000);
    const full = of.flatMap(({ outcome }) => outcome.fullMs).map((ms) => ms / 1000);
    const seconds = [first, full].flatMap((times) => [
      median(times),
      quantile(times, 0.99),
      quantile(times, 0.999),
    ]);
    return {
      name,
      seconds,
      count: first.length,
      missed: total(of.map(({ outcome }) => outcome.missed)),
      first,
    };
  });
  const some = cells[0];
  return {
    settings: {
      nodes: some?.nodes ?? 0,
      C: [...new Set(cells.map(({ anomalies }) => anomalies))].join(', '),
      'D (ms)': [...new Set(cells.map(({ durationMs }) => durationMs))].join(', '),
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
    },
    tables: [
      {
        title: 'Seconds from the anomaly’s start',
        columns: [
          'protocol',
          'failures',
          'never found',
          'first median',
          '99 %',
          '99.9 %',
          'all median',
          '99 %',
          '99.9 %',
          'paper: first',
          'paper: all',
        ],
        rows: rows.map(({ name, seconds, count, missed }) => {
          const paper = PAPER[name];
          const text = (figures: readonly number[] | undefined): string => figures?.join(' / ') ?? '';
          return [
            name,
            count,
            missed,
            ...seconds.map((value) => rounded(value, 2)),
            text(paper?.slice(0, 3)),
            text(paper?.slice(3)),
          ];
        }),
      },
    ],
    figures: rows.flatMap(({ name, seconds }) => figuresOf(name, seconds)),
    gains: rows
      .filter(({ name }) => name.startsWith('ClusterPack'))
      .flatMap((own) =>
        gain(`median time to the first verdict about a silent member, ${own.name}`, {
          papers: rows.find(({ name }) => name === 'Lifeguard')?.seconds[0] ?? Number.NaN,
          own: own.seconds[0]!,
          unit: 's',
        }),
      ),
    plots: [
      {
        title: 'Time to first detection',
        kind: 'line',
        xLabel: 'seconds since the anomaly’s start',
        yLabel: 'share of failures detected',
        series: rows.map(({ name, first }) => ({ name, points: cumulative(first) })),
      },
    ],
    notes: [
      'First detection: the first verdict at a healthy member. Full dissemination: the last one among the healthy.',
      'The 99 % and 99.9 % quantiles are shown and not judged: they hang on few failures each, and on the mix of C.',
    ],
  };
}

function figuresOf(name: string, seconds: readonly number[]): Figure[] {
  if (name.startsWith('ClusterPack')) return [];
  const paper = PAPER[name];
  const compared = (what: string, at: number, value: number): Figure =>
    within({ what: `${name}: ${what}`, measured: seconds[at]!, paper: value, unit: 's', tag: 'T' }, 0.4);
  return [
    compared('median first detection', 0, paper?.[0] ?? PAPER_OTHERS[0]),
    compared('median full dissemination', 3, paper?.[3] ?? PAPER_OTHERS[1]),
  ];
}

/** The distribution, at a hundred places. */
function cumulative(values: readonly number[]): (readonly [number, number])[] {
  if (values.length === 0) return [];
  return Array.from({ length: 101 }, (_, percent) => [
    rounded(quantile(values, percent / 100), 3),
    percent / 100,
  ]);
}
