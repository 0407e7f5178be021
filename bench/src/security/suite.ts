import { describe, type Cell } from '../messages/cells.js';
import { Measurements } from '../messages/measurements.js';
import { Pair, type Measured } from '../messages/pair.js';
import { quantile, sampleOf, shown } from '../statistics.js';
import type { Effort, Findings, Suite, Table } from '../suite.js';

/** What secures a cluster: nothing, a shared secret, or certificates on both sides. */
export type Scheme = 'plaintext' | 'secret' | 'mTLS';

const schemes: readonly Scheme[] = ['plaintext', 'secret', 'mTLS'];
const secured: readonly Scheme[] = ['secret', 'mTLS'];

const KIB = 1024;

const cells = {
  alone: { operation: 'send', bytes: 64, inFlight: 1 },
  few64: { operation: 'send', bytes: 64, inFlight: 64 },
  many64: { operation: 'send', bytes: 64, inFlight: 1024 },
  fewKib: { operation: 'send', bytes: KIB, inFlight: 64 },
  manyKib: { operation: 'send', bytes: KIB, inFlight: 1024 },
  kib64: { operation: 'send', bytes: 64 * KIB, inFlight: 8 },
  mib: { operation: 'send', bytes: KIB * KIB, inFlight: 8 },
} as const satisfies Record<string, Cell>;

type CellName = keyof typeof cells;

const cellNames = Object.keys(cells) as CellName[];
const together = cellNames.filter((cell) => cells[cell].inFlight > 1);

const WORKER = new URL('./worker.js', import.meta.url);

const ABOUT = `What encryption costs: two processes with a node each (\`clusterpack/core\`), one of which sends acknowledged messages to the other, in
plaintext, with \`security: { secrets }\` (TLS 1.2, ECDHE-PSK, ChaCha20-Poly1305) and with \`security: { tls }\` (TLS 1.3, certificates of P-256,
AES-256-GCM). All three are there from the start and have their turn in each round of each comparison; ratios are taken round by round.

No goal is set. What bounds them is one core in each process: Node.js encrypts and decrypts on the thread that runs JavaScript. Small messages
share TLS records, since a write carries all that waits. For large ones each side runs the cipher over every byte, copies it more often, and reads
at most 16 KiB from the kernel at a time, where plaintext reads 64 KiB. What a join takes longer is the handshake, which is whole each time:
sessions are never resumed.`;

/** What encryption costs. */
export const security: Suite = {
  name: 'security',

  async run(effort) {
    const pairs = new Map<Scheme, Pair>();
    try {
      for (const scheme of schemes) pairs.set(scheme, await Pair.start(scheme, WORKER));
      return [findings(await measure(pairs, effort))];
    } finally {
      await Promise.all([...pairs.values()].map((pair) => pair.end()));
    }
  },
};

interface Found {
  readonly messages: Measurements<CellName, Scheme>;
  /** Milliseconds, by scheme, for each round. */
  readonly joins: Readonly<Record<Scheme, number[]>>;
}

async function measure(pairs: ReadonlyMap<Scheme, Pair>, effort: Effort): Promise<Found> {
  const messages = new Measurements<CellName, Scheme>();
  const joins: Found['joins'] = { plaintext: [], secret: [], mTLS: [] };
  const ms = effort.isQuick ? 30 : 1000;
  const joinsEach = effort.isQuick ? 1 : 5;
  // The first round warms up, and does not count.
  for (let round = 0; round <= effort.rounds; round++) {
    const order = schemes.map((_, turn) => schemes[(turn + round) % schemes.length]!);
    for (const cell of cellNames) {
      for (const scheme of order) {
        const measured = await pairs.get(scheme)!.measure({ ...cells[cell], ms });
        if (round > 0) messages.add(cell, scheme, measured);
      }
    }
    for (const scheme of order) {
      const tookMs = await joinsOf(pairs.get(scheme)!, joinsEach);
      if (round > 0) joins[scheme].push(tookMs);
    }
    effort.tell(round === 0 ? 'security: warmed up' : `security: round ${round} of ${effort.rounds}`);
  }
  return { messages, joins };
}

/** The median, in milliseconds. */
async function joinsOf(pair: Pair, count: number): Promise<number> {
  const tookMs: number[] = [];
  for (let turn = 0; turn < count; turn++) tookMs.push(await pair.client.ask<number>('join'));
  return quantile(
    tookMs.toSorted((a, b) => a - b),
    0.5,
  );
}

function findings({ messages, joins }: Found): Findings {
  return {
    title: 'Security',
    about: ABOUT,
    tables: [
      ratios('Operations a second, over plaintext', together, messages, 'perSecond'),
      figures('Thousands of operations a second', together, messages, 'perSecond', 1000),
      figures('One at a time: median latency, µs', ['alone'], messages, 'p50Us'),
      figures('Processor time an operation, both processes, µs', cellNames, messages, 'cpuUs'),
      ratios('Processor time an operation, over plaintext', cellNames, messages, 'cpuUs'),
      {
        caption:
          'A node joins over a connection of its own: milliseconds from the dial until it knows the other',
        head: ['', ...schemes],
        rows: [['join', ...schemes.map((scheme) => shown(sampleOf(joins[scheme])))]],
      },
    ],
    plots: [],
    goals: [],
  };
}

function ratios(
  caption: string,
  rows: readonly CellName[],
  messages: Found['messages'],
  figure: keyof Measured,
): Table {
  return {
    caption,
    head: ['', ...secured],
    rows: rows.map((cell) => [
      describe(cells[cell]),
      ...secured.map((scheme) => shown(messages.ratio(figure, [cell, scheme], [cell, 'plaintext']))),
    ]),
  };
}

function figures(
  caption: string,
  rows: readonly CellName[],
  messages: Found['messages'],
  figure: keyof Measured,
  unit = 1,
): Table {
  return {
    caption,
    head: ['', ...schemes],
    rows: rows.map((cell) => [
      describe(cells[cell]),
      ...schemes.map((scheme) => shown(messages.of(cell, scheme, figure), unit)),
    ]),
  };
}
