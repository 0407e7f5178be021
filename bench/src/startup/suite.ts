import { sampleOf, shown, type Sample } from '../statistics.js';
import type { Effort, Findings, Goal, Suite } from '../suite.js';
import { Worker } from '../workers.js';
import type { Start, Took } from './worker.js';

const starts = {
  context: { kind: 'context', cluster: false },
  contextWith: { kind: 'context', cluster: true },
  contextInTests: { kind: 'context', cluster: true, nodeEnv: 'test' },
  http: { kind: 'http', cluster: false },
  httpWith: { kind: 'http', cluster: true },
} as const satisfies Record<string, Start>;

type StartName = keyof typeof starts;

const names = Object.keys(starts) as StartName[];

/** What is compared: an application with the module, and the same without. */
const pairs = [
  { what: 'application context', having: 'contextWith', without: 'context' },
  { what: 'application context, NODE_ENV=test', having: 'contextInTests', without: 'context' },
  { what: 'HTTP application (express)', having: 'httpWith', without: 'http' },
] as const satisfies readonly { what: string; having: StartName; without: StartName }[];

/** A start is one process: so many of each in a round. */
const EACH = 5;

const MOST_MS = 100;

const WORKER = new URL('./worker.js', import.meta.url);

const ABOUT = `What \`ClusterModule.forRoot()\` adds to the start of a Nest application that has nothing else in it: each start is a process of its own, and the
kinds have their turn, five times in each round, of which the median counts. The clock runs from the application's first import, Nest's packages included, to the end of \`init()\`: a listener is
bound by then, the addresses of loopback discovery are being dialled, and the node goes on joining by itself. It has no options, and there is nobody else. Under
\`NODE_ENV=test\` it looks for nobody. The import of \`clusterpack\` is counted once more by itself, after those of Nest: it is most of the whole, since
Node.js resolves, reads and compiles close to 200 files one by one.`;

/** How much longer an application takes to start. */
export const startup: Suite = {
  name: 'startup',

  async run(effort) {
    return [findings(await measure(effort))];
  },
};

/** Of each round the medians: a process that had bad luck does not count. */
type Found = Readonly<Record<StartName, Took[]>>;

async function measure({ rounds, isQuick, tell }: Effort): Promise<Found> {
  const found = noFigures();
  // The first round brings all files into memory, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const took = noFigures();
    for (let turn = 0; turn < (isQuick ? 1 : EACH); turn++) {
      for (const place of names.keys()) {
        const name = names[(place + round) % names.length]!;
        took[name].push(await started(name));
      }
    }
    if (round > 0) for (const name of names) found[name].push(medians(took[name]));
    tell(round === 0 ? 'startup: warmed up' : `startup: round ${round} of ${rounds}`);
  }
  return found;
}

function noFigures(): Found {
  return { context: [], contextWith: [], contextInTests: [], http: [], httpWith: [] };
}

function medians(took: readonly Took[]): Took {
  return {
    importMs: sampleOf(took.map(({ importMs }) => importMs)).median,
    totalMs: sampleOf(took.map(({ totalMs }) => totalMs)).median,
  };
}

async function started(name: StartName): Promise<Took> {
  const worker = await Worker.start(name, WORKER);
  try {
    return await worker.ask<Took>('start', starts[name]);
  } finally {
    await worker.end();
  }
}

function findings(found: Found): Findings {
  const total = (name: StartName): Sample => sampleOf(found[name].map(({ totalMs }) => totalMs));
  const added = pairs.map(({ having, without }) =>
    sampleOf(found[having].map(({ totalMs }, round) => totalMs - found[without][round]!.totalMs)),
  );
  const imports = pairs.map(({ having }) => sampleOf(found[having].map(({ importMs }) => importMs)));
  return {
    title: 'Start-up',
    about: ABOUT,
    tables: [
      {
        caption: 'Milliseconds until an empty application has started',
        head: ['', 'without', 'with forRoot()', 'adds', 'of which the import'],
        rows: pairs.map(({ what, having, without }, place) => [
          what,
          shown(total(without)),
          shown(total(having)),
          shown(added[place]!),
          shown(imports[place]!),
        ]),
      },
    ],
    plots: [],
    goals: pairs.flatMap(({ what, having }, place) =>
      having === 'contextInTests' ? [] : [goal(what, added[place]!)],
    ),
  };
}

function goal(what: string, added: Sample): Goal {
  return {
    what: `forRoot() adds to the start of an empty Nest application: ${what}`,
    wanted: `< ${MOST_MS} ms`,
    measured: `${shown(added)} ms`,
    isMet: added.median < MOST_MS,
  };
}
