import {
  PAPER_ANOMALIES,
  PAPER_DURATIONS_MS,
  PAPER_INTERVALS_MS,
  pickMembers,
  SETTLE_MS,
} from './anomalies.js';
import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { observedCluster } from './observed-cluster.js';
import { clusterPack, lifeguardPaper, type Series } from './protocols.js';
import { groupBy, mean, rounded, total } from './statistics.js';
import { atMost, rising, withinRatio } from './verdict.js';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
  readonly anomalies: number;
  readonly durationMs: number;
  readonly intervalMs: number;
}

interface Outcome {
  /** FP: `unreachable` events, anywhere, about members that were not anomalous. */
  readonly falsePositives: number;
  /** FP−: those of them at members that were not anomalous either. */
  readonly atHealthy: number;
  /** Verdicts of members' own about members that were not anomalous, so not those that only passed on. */
  readonly verdicts: number;
  readonly verdictsAtHealthy: number;
  /** Sent during the anomalies and between them, by protocols. */
  readonly messages: number;
}

/** The cycles go on for so long, and to the end of the anomaly that is under way then. */
const CYCLES_MS = 120_000;

/** Spread over the paper's grid, with its long anomalies: short ones give no false positives at all. */
const ANOMALIES = [8, 32];
const DURATIONS_MS = [2048, 16_384, 32_768];
const INTERVALS_MS = [16, 1024];

/** Table IV, in percent of SWIM. */
const PAPER: Readonly<Record<string, readonly [fp: number, atHealthy: number]>> = {
  SWIM: [100, 100],
  'LHA-Probe': [67.72, 32.88],
  'LHA-Suspicion': [3, 6.71],
  Buddy: [94.08, 44.57],
  Lifeguard: [1.53, 1.89],
};
/** The paper's order, from few to many. */
const ORDER = ['Lifeguard', 'LHA-Suspicion', 'LHA-Probe', 'Buddy', 'SWIM'];
/** Table VI: Lifeguard's messages beside SWIM's. */
const PAPER_MESSAGES = 481 / 435;

/** Lifeguard's Interval experiment: whom slow members accuse, and what it costs. */
export const lifeguardInterval: Experiment<Cell, Outcome> = {
  name: 'lifeguard-interval',
  title: 'False positives and messages while members are slow again and again',
  source: 'Lifeguard §V-D, Tables IV and VI',

  cells(options) {
    const nodes = options.nodes?.[0] ?? 128;
    const { full } = options;
    const cells: Cell[] = [];
    for (let run = 0; run < (options.runs ?? (full ? 10 : 1)); run++)
      for (const series of [...lifeguardPaper(options), ...clusterPack(options)])
        for (const anomalies of options.anomalies ?? (full ? PAPER_ANOMALIES : ANOMALIES))
          for (const durationMs of options.durationsMs ?? (full ? PAPER_DURATIONS_MS : DURATIONS_MS))
            for (const intervalMs of options.intervalsMs ?? (full ? PAPER_INTERVALS_MS : INTERVALS_MS))
              cells.push({ series, nodes, seed: options.seed + run, anomalies, durationMs, intervalMs });
    return cells;
  },

  run,
  conclude,
};

function run({ nodes, seed, series, anomalies, durationMs, intervalMs }: Cell): Outcome {
  const found = { falsePositives: 0, atHealthy: 0, verdicts: 0, verdictsAtHealthy: 0 };
  const anomalous = new Set<string>();
  let isOn = false;
  const cluster = observedCluster(
    { nodes, seed, series, start: 'together' },
    {
      event(observer, about, { type }) {
        if (!isOn || type !== 'unreachable' || anomalous.has(about)) return;
        found.falsePositives++;
        if (!anomalous.has(observer)) found.atHealthy++;
      },
      trace(observer, { kind, about }) {
        if (!isOn || kind !== 'verdict' || about === undefined) return;
        if (anomalous.has(cluster.journal.nameOf(about))) return;
        found.verdicts++;
        if (!anomalous.has(observer)) found.verdictsAtHealthy++;
      },
    },
  );
  cluster.runFor(SETTLE_MS);
  const chosen = pickMembers(cluster.names, anomalies, seed);
  for (const name of chosen) anomalous.add(name);
  isOn = true;
  const before = cluster.messagesSent;
  const endMs = cluster.nowMs + CYCLES_MS;
  while (cluster.nowMs < endMs) {
    cluster.blockIo(chosen, durationMs).runFor(durationMs);
    if (cluster.nowMs < endMs) cluster.runFor(intervalMs);
  }
  return { ...found, messages: cluster.messagesSent - before };
}

interface Row extends Outcome {
  readonly name: string;
  readonly runs: number;
}

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ cell, outcome: outcomes[at]! }));
  const rows = [...groupBy(runs, ({ cell }) => cell.series.name)].map(([name, of]): Row => {
    const sum = (key: keyof Outcome): number => total(of.map(({ outcome }) => outcome[key]));
    return {
      name,
      runs: of.length,
      falsePositives: sum('falsePositives'),
      atHealthy: sum('atHealthy'),
      verdicts: sum('verdicts'),
      verdictsAtHealthy: sum('verdictsAtHealthy'),
      messages: sum('messages'),
    };
  });
  const swim = rows.find(({ name }) => name === 'SWIM');
  return {
    settings: settingsOf(options, cells),
    tables: swim === undefined ? [] : [tableOf(rows, swim)],
    figures: swim === undefined ? [] : figuresOf(rows, swim),
    plots: [
      {
        title: 'False positives in percent of SWIM',
        kind: 'bar',
        xLabel: '',
        yLabel: '% of SWIM',
        isLogarithmic: true,
        series: [
          {
            name: 'here',
            points: rows.map(({ name, falsePositives }) => [
              name,
              percent(falsePositives, swim?.falsePositives),
            ]),
          },
          { name: 'paper', points: Object.entries(PAPER).map(([name, [fp]]) => [name, fp]) },
        ],
      },
    ],
    notes: [
      'Default grid: a part of the paper’s, with more of its long anomalies than the paper has. Short ones give no false positives at all, so the absolute counts per run are not the paper’s, and rates of messages lean towards what long ones cost; --full runs the whole grid.',
      'FP: `unreachable` events about members that were not anomalous. FP−: those at members that were not anomalous.',
      'A member blocks as memberlist’s goroutines do: src/simulation/network/io-gate.ts says which timers wait for which sends.',
      'Tried first: a gate that only holds messages back while every timer goes on. An anomalous member then goes on probing, one failure a second: at C 16, D 16,384, I 64 (one run) 28,035 FP and 21,142 FP− for SWIM, where blocked activities give 612 and 0. The paper has 78.5 and 0.31 on average over its grid.',
      'LHA-Suspicion and Lifeguard come out lower than in the paper. Here a member that is back handles all that has waited for it at once; in the paper it had to get through it before the next anomaly, within as little as 1 ms.',
      'The strict order of five hangs on two pairs that chance can turn: LHA-Suspicion and Lifeguard, which have a handful of false positives in all, and Buddy and SWIM. The paper’s 6 % between the latter are not seen here: nearly all false positives are at slow members that cannot hear a refutation in time, however soon it is made. At healthy members, which is what Buddy is for, there are a few in all. The figure with those neighbours together was added after this was seen.',
      'ClusterPack runs in the same anomaly. A Node process that blocks blocks its timers too; a timer that had to wait is told as late, so that event loop awareness sees it.',
    ],
  };
}

function settingsOf(options: ExperimentOptions, cells: readonly Cell[]): Conclusion['settings'] {
  const values = (key: 'anomalies' | 'durationMs' | 'intervalMs'): string =>
    [...new Set(cells.map((cell) => cell[key]))].join(', ');
  return {
    nodes: cells[0]?.nodes ?? 0,
    C: values('anomalies'),
    'D (ms)': values('durationMs'),
    'I (ms)': values('intervalMs'),
    seed: options.seed,
    'runs of each': new Set(cells.map(({ seed }) => seed)).size,
  };
}

function tableOf(rows: readonly Row[], swim: Row): Conclusion['tables'][number] {
  return {
    title: 'False positives and messages',
    columns: [
      'protocol',
      'FP a run',
      'FP− a run',
      'FP %',
      'FP− %',
      'paper FP %',
      'paper FP− %',
      'own verdicts a run',
      'at healthy',
      'messages a run',
      '% of SWIM',
    ],
    rows: rows.map((row) => [
      row.name,
      rounded(row.falsePositives / row.runs, 2),
      rounded(row.atHealthy / row.runs, 3),
      rounded(percent(row.falsePositives, swim.falsePositives), 2),
      rounded(percent(row.atHealthy, swim.atHealthy), 2),
      PAPER[row.name]?.[0] ?? '',
      PAPER[row.name]?.[1] ?? '',
      rounded(row.verdicts / row.runs, 2),
      rounded(row.verdictsAtHealthy / row.runs, 3),
      Math.round(row.messages / row.runs),
      rounded(percent(row.messages, swim.messages), 1),
    ]),
  };
}

function figuresOf(rows: readonly Row[], swim: Row): Conclusion['figures'] {
  const lifeguard = rows.find(({ name }) => name === 'Lifeguard');
  if (lifeguard === undefined) return [];
  const ordered = ORDER.flatMap((name) => rows.filter((row) => row.name === name)).map((row) => ({
    name: row.name,
    measured: percent(row.falsePositives, swim.falsePositives),
    paper: PAPER[row.name]![0],
  }));
  return [
    atMost(
      {
        what: 'Lifeguard: FP, % of SWIM',
        measured: percent(lifeguard.falsePositives, swim.falsePositives),
        paper: PAPER.Lifeguard![0],
        tag: 'T',
      },
      3,
    ),
    rising('order of the five protocols by FP', 'T', ordered),
    rising('the same, neighbours within chance together', 'T', inGroups(ordered)),
    withinRatio(
      {
        what: 'Lifeguard’s messages, times SWIM’s',
        measured: lifeguard.messages / swim.messages,
        paper: PAPER_MESSAGES,
        tag: 'T',
      },
      0.8,
      1.3,
    ),
  ];
}

/**
 * The paper's neighbours that a small grid cannot tell apart, by the mean of their figures: the two with LHA-Suspicion,
 * and Buddy and SWIM.
 */
function inGroups<Row extends { readonly name: string; readonly measured: number; readonly paper: number }>(
  ordered: readonly Row[],
): readonly { readonly name: string; readonly measured: number; readonly paper: number }[] {
  const groups = [['Lifeguard', 'LHA-Suspicion'], ['LHA-Probe'], ['Buddy', 'SWIM']];
  return groups.map((names) => {
    const members = ordered.filter(({ name }) => names.includes(name));
    return {
      name: names.join(' and '),
      measured: mean(members.map(({ measured }) => measured)),
      paper: mean(members.map(({ paper }) => paper)),
    };
  });
}

function percent(part: number, whole = Number.NaN): number {
  return (100 * part) / whole;
}
