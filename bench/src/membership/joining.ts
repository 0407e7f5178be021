import { sampleOf } from '../statistics.js';
import type { Effort, Findings, Goal, Suite } from '../suite.js';
import { machineMs } from './machine-clock.js';
import { NodeGroup } from './node-group.js';
import { inSeconds } from './text.js';

const PROCESSES = 4;
const SEEDS = 3;
const SIZES = [
  { nodes: 64, times: 10 },
  { nodes: 256, times: 5 },
];
const QUICK_SIZES = [{ nodes: 8, times: 1 }];
const WITHIN_MS = 120_000;
const MEDIAN_MS = 2000;
const SPREAD = 2;

/** One size, with a time per repetition; undefined: not within {@link WITHIN_MS}. */
interface Case {
  readonly nodes: number;
  readonly times: readonly (number | undefined)[];
}

/** How soon nodes that start at the same moment all see each other. */
export const joining: Suite = { name: 'joining', run };

async function run({ isQuick, tell }: Effort): Promise<readonly Findings[]> {
  const sizes = isQuick ? QUICK_SIZES : SIZES;
  const cases: Case[] = [];
  for (const { nodes, times } of sizes) {
    const measured: (number | undefined)[] = [];
    while (measured.length < times) {
      const ms = await joined(nodes);
      measured.push(ms);
      tell(`${nodes} nodes: ${shown(ms)}`);
    }
    cases.push({ nodes, times: measured });
  }
  return [
    {
      title: 'Joining',
      about: [
        `${PROCESSES} processes hold a share of the nodes each; all have the same ${SEEDS} seeds, in different processes.`,
        'Every node is bound before the first one joins; then all join at once. Measured is the time until each of them holds all of them alive, in fresh processes each time.',
        'memberlist (published, from an earlier run on such a machine, not measured here): 67–73 s in 3 of 10 runs with 64 nodes.',
      ].join(' '),
      tables: [
        {
          head: ['nodes', 'runs', 'converged', 'median', 'best', 'worst'],
          rows: cases.map(({ nodes, times }) => row(nodes, times)),
        },
      ],
      plots: [],
      goals: cases.flatMap(goalsOf),
    },
  ];
}

async function joined(nodes: number): Promise<number | undefined> {
  const group = await NodeGroup.start({ processes: PROCESSES, nodes });
  try {
    const startMs = machineMs();
    await group.join(group.seeds(SEEDS));
    return (await group.untilComplete(WITHIN_MS)) - startMs;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Waited')) return undefined;
    throw error;
  } finally {
    await group.end();
  }
}

function row(nodes: number, times: Case['times']): readonly string[] {
  const sample = sampleOf(times.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  const converged = times.filter((ms) => ms !== undefined).length;
  const figures = [sample.median, sample.min, sample.max].map(shown);
  return [String(nodes), String(times.length), String(converged), ...figures];
}

function goalsOf({ nodes, times }: Case): readonly Goal[] {
  const { median, max } = sampleOf(times.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  const converged = times.filter((ms) => ms !== undefined).length;
  if (nodes > 64) {
    return [
      {
        what: `${nodes} nodes join at once`,
        wanted: 'all hold all, every time',
        measured: `${converged} of ${times.length}, at worst after ${shown(max)}`,
        isMet: converged === times.length,
      },
    ];
  }
  return [
    {
      what: `${nodes} nodes join at once, median`,
      wanted: `≤ ${inSeconds(MEDIAN_MS)}`,
      measured: shown(median),
      isMet: median <= MEDIAN_MS,
    },
    {
      what: `${nodes} nodes join at once, worst`,
      wanted: `≤ ${SPREAD} × the median`,
      measured: `${shown(max)}, ${(max / median).toFixed(1)} × the median`,
      isMet: max <= SPREAD * median,
    },
  ];
}

function shown(ms: number | undefined): string {
  return ms === undefined || ms === Number.POSITIVE_INFINITY ? `not in ${WITHIN_MS / 1000} s` : inSeconds(ms);
}
