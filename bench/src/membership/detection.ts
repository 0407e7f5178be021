import type { SwimOverrides } from 'clusterpack/core';
import { quantile, sampleOf } from '../statistics.js';
import type { Effort, Findings, Goal, Plot, Suite, Table } from '../suite.js';
import { killed, stopped, type FailureTimes } from './failures.js';
import { inSeconds } from './text.js';

/** Of the preset `lan`, which is the default. */
const LAN = { probeIntervalMs: 1000, suspicionAlpha: 4 };
/** For a run that only shows that it works. */
const HURRIED = { probeIntervalMs: 100, probeTimeoutMs: 50 };

/** memberlist's (Go, its LAN defaults) medians on such a machine, from an earlier run: nothing here measures them. */
const MEMBERLIST_MS: Readonly<Record<string, number>> = {
  'SIGKILL 16': 7300,
  'SIGKILL 64': 9200,
  'SIGSTOP 16': 7000,
};

const KILL_MEDIAN_MS = 1000;
const KILL_P90_MS = 1500;
/** How much longer than Min and one round counts as about that. */
const ABOUT = 1.15;

/** One size and one way to fail, with what came of it. */
interface Case {
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  readonly nodes: number;
  readonly times: FailureTimes;
}

/** How soon every survivor knows that a process was killed, or stopped. */
export const detection: Suite = { name: 'detection', run };

async function run(effort: Effort): Promise<readonly Findings[]> {
  const { isQuick, tell } = effort;
  const swim: SwimOverrides | undefined = isQuick ? HURRIED : undefined;
  const common = { restMs: isQuick ? 100 : 3000, swim, tell };
  const cases: Case[] = [];
  for (const nodes of isQuick ? [4] : [16, 64]) {
    const times = await killed({ ...common, nodes, failures: isQuick ? 2 : 10 });
    cases.push({ signal: 'SIGKILL', nodes, times });
  }
  const nodes = isQuick ? 4 : 16;
  cases.push({
    signal: 'SIGSTOP',
    nodes,
    times: await stopped({ ...common, nodes, failures: isQuick ? 1 : 5 }),
  });
  return [
    {
      title: 'Detection of failures',
      about: about(swim),
      tables: [table(cases)],
      plots: [plot(cases)],
      goals: cases.flatMap((one) => goalsOf(one, swim)),
    },
  ];
}

function about(swim: SwimOverrides | undefined): string {
  const preset = swim === undefined ? 'The preset is `lan`.' : `Not the preset: ${JSON.stringify(swim)}.`;
  return [
    'Each node is a process of its own on 127.0.0.1; all join through the first.',
    'A random process is killed (SIGKILL) or stopped (SIGSTOP, then SIGCONT), and every survivor notes by the clock of the machine when it holds that member `unreachable`.',
    'Then a fresh process takes the place of the killed one, or the stopped one goes on, until all hold each other alive; after a rest comes the next.',
    preset,
    'The figures of memberlist are published ones, from an earlier run on such a machine: they are not measured here.',
  ].join(' ');
}

function table(cases: readonly Case[]): Table {
  return {
    head: [
      'case',
      'failures',
      'first survivor knows, median',
      'last survivor knows, median',
      'p90',
      'worst',
      'whole again after, median',
      'wrongly unreachable',
      'memberlist (published)',
    ],
    rows: cases.map(({ signal, nodes, times }) => [
      caseName({ signal, nodes }),
      String(times.last.length),
      inSeconds(sampleOf(times.first).median),
      inSeconds(sampleOf(times.last).median),
      inSeconds(p90(times.last)),
      inSeconds(sampleOf(times.last).max),
      inSeconds(sampleOf(times.restored).median),
      String(times.mistakes),
      memberlist(signal, nodes),
    ]),
  };
}

function memberlist(signal: string, nodes: number): string {
  const ms = MEMBERLIST_MS[`${signal} ${nodes}`];
  return ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`;
}

function caseName({ signal, nodes }: Pick<Case, 'signal' | 'nodes'>): string {
  return `${signal}, n = ${nodes}`;
}

function plot(cases: readonly Case[]): Plot {
  return {
    name: 'detection',
    title: 'Until the last survivor knows, median',
    kind: 'bar',
    yLabel: 's',
    series: [
      {
        name: 'ClusterPack',
        points: cases.map((one) => [caseName(one), sampleOf(one.times.last).median / 1000]),
      },
      {
        name: 'memberlist (published)',
        points: cases.map((one) => [
          caseName(one),
          (MEMBERLIST_MS[`${one.signal} ${one.nodes}`] ?? 0) / 1000,
        ]),
      },
    ],
  };
}

function goalsOf({ signal, nodes, times }: Case, swim: SwimOverrides | undefined): readonly Goal[] {
  const { median } = sampleOf(times.last);
  const what = caseName({ signal, nodes });
  const none: Goal = {
    what: `${what}: members held unreachable that were not`,
    wanted: '0',
    measured: String(times.mistakes),
    isMet: times.mistakes === 0,
  };
  if (signal === 'SIGSTOP') {
    const interval = swim?.probeIntervalMs ?? LAN.probeIntervalMs;
    const dueMs = LAN.suspicionAlpha * Math.max(1, Math.log10(nodes)) * interval + interval;
    return [
      {
        what: `${what}: the last survivor knows, median`,
        wanted: `about the suspicion's Min and one round, ${inSeconds(dueMs)} (at most ${Math.round((ABOUT - 1) * 100)} % more)`,
        measured: inSeconds(median),
        isMet: median <= dueMs * ABOUT,
      },
      none,
    ];
  }
  return [
    {
      what: `${what}: the last survivor knows, median`,
      wanted: `≤ ${inSeconds(KILL_MEDIAN_MS)}`,
      measured: inSeconds(median),
      isMet: median <= KILL_MEDIAN_MS,
    },
    {
      what: `${what}: the last survivor knows, p90`,
      wanted: `≤ ${inSeconds(KILL_P90_MS)}`,
      measured: inSeconds(p90(times.last)),
      isMet: p90(times.last) <= KILL_P90_MS,
    },
    none,
  ];
}

function p90(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.9,
  );
}
