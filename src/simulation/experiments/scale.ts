import { observedCluster } from './observed-cluster.js';
import { pickMembers } from './anomalies.js';
import type { Conclusion, Experiment, ExperimentOptions } from './experiment.js';
import { clusterPackOwn, type Series } from './protocols.js';
import { rounded } from './statistics.js';

interface Cell {
  readonly series: Series;
  readonly nodes: number;
  readonly seed: number;
}

interface Phase {
  readonly name: string;
  readonly virtualMs: number;
  readonly realMs: number;
  readonly inputs: number;
  readonly messages: number;
}

interface Outcome {
  readonly phases: readonly Phase[];
  readonly heapBytes: number;
  readonly peakRssBytes: number;
}

const NODES = [1000, 5000];
const NODES_OF_FULL = [1000, 2000, 5000];
const CRASHES = 10;
const REST_MS = 10_000;
const PATIENCE_MS = 600_000;

/** How large a cluster this simulator carries, and how fast. */
export const scale: Experiment<Cell, Outcome> = {
  name: 'scale',
  isTimed: true,
  title: 'A large cluster, from nothing',
  source: 'this simulator',
  takes: { nodes: 'several', runs: 'one' },

  cells(options) {
    const sizes = options.nodes ?? (options.full ? NODES_OF_FULL : NODES);
    const series = clusterPackOwn(options);
    return sizes.flatMap((nodes) =>
      Array.from({ length: options.runs ?? 1 }, (_, run) => ({ series, nodes, seed: options.seed + run })),
    );
  },

  run({ series, nodes, seed }, host) {
    const phases: Phase[] = [];
    const heapBefore = host.heapUsedBytes();
    let since = { real: host.realNowMs(), virtual: 0, inputs: 0, messages: 0 };
    const cluster = observedCluster({ nodes, seed, series, start: 'together' }, {});
    const phase = (name: string, run: () => void): void => {
      run();
      const now = {
        real: host.realNowMs(),
        virtual: cluster.nowMs,
        inputs: cluster.inputs,
        messages: cluster.messagesSent,
      };
      phases.push({
        name,
        virtualMs: now.virtual - since.virtual,
        realMs: now.real - since.real,
        inputs: now.inputs - since.inputs,
        messages: now.messages - since.messages,
      });
      since = now;
    };
    phase('join together, until all agree', () => cluster.settle({ withinMs: PATIENCE_MS }));
    phase('10 s at rest', () => cluster.runFor(REST_MS));
    const heapBytes = host.heapUsedBytes() - heapBefore;
    phase(`${CRASHES} crash, until all agree`, () => {
      for (const name of pickMembers(cluster.names, CRASHES, seed)) cluster.crash(name);
      cluster.settle({ withinMs: PATIENCE_MS });
    });
    return { phases, heapBytes, peakRssBytes: host.peakRssBytes() };
  },

  conclude,
};

function conclude(
  options: ExperimentOptions,
  cells: readonly Cell[],
  outcomes: readonly Outcome[],
): Conclusion {
  const runs = cells.map((cell, at) => ({ ...cell, ...outcomes[at]! }));
  return {
    settings: {
      nodes: [...new Set(cells.map(({ nodes }) => nodes))].join(', '),
      seed: options.seed,
      'runs of each': new Set(cells.map(({ seed }) => seed)).size,
      preset: options.preset,
    },
    tables: [
      {
        title: 'Phases (real time depends on the machine)',
        columns: ['nodes', 'phase', 'virtual s', 'real s', 'events', 'events a real s', 'messages'],
        rows: runs.flatMap(({ nodes, phases }) =>
          phases.map(({ name, virtualMs, realMs, inputs, messages }) => [
            nodes,
            name,
            rounded(virtualMs / 1000, 2),
            rounded(realMs / 1000, 1),
            inputs,
            Math.round(inputs / (realMs / 1000)),
            messages,
          ]),
        ),
      },
      {
        title: 'Memory (depends on the runtime)',
        columns: ['nodes', 'heap MiB at rest', 'bytes per node and member', 'peak RSS MiB'],
        rows: runs.map(({ nodes, heapBytes, peakRssBytes }) => [
          nodes,
          rounded(heapBytes / 2 ** 20, 0),
          rounded(heapBytes / nodes ** 2, 0),
          rounded(peakRssBytes / 2 ** 20, 0),
        ]),
      },
    ],
    figures: [],
    gains: [],
    plots: [],
    notes: ['An event is an input of one protocol: a message, a timer, something a link has shown.'],
  };
}
