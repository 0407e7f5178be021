import { quantile, sampleOf } from '../statistics.js';
import type { Effort, Findings, Suite } from '../suite.js';
import { Worker } from '../workers.js';
import type { Flood } from './worker.js';

interface Place {
  readonly id: string;
  readonly address: string;
}

const WORKER = new URL('./worker.js', import.meta.url);
const MIB = 2 ** 20;

const ABOUT = `Two processes with a node each. Pings of the benchmark's own travel on the lane of the protocol's, every 20 ms, while
payloads of 1 MiB go in both directions at full speed, eight in flight each. Then messages of 64 bytes (of another pattern) go beside
one payload of 64 MiB. At last one sends without end to one whose handler never finishes: what memory does both need, early and late?`;

/** What payloads do to everything else. */
export const lanes: Suite = {
  name: 'lanes',

  async run(effort) {
    const workers: Worker[] = [];
    try {
      for (const name of ['a', 'b']) workers.push(await Worker.start(name, WORKER));
      const [a, b] = workers as [Worker, Worker];
      const atA = await a.ask<Place>('start', []);
      const atB = await b.ask<Place>('start', [atA.address]);
      await Promise.all([a.ask('joined', 2), b.ask('joined', 2)]);
      return [await measure(effort, { worker: a, ...atA }, { worker: b, ...atB })];
    } finally {
      await Promise.all(workers.map((worker) => worker.end()));
    }
  },
};

interface Node extends Place {
  readonly worker: Worker;
}

async function measure(effort: Effort, a: Node, b: Node): Promise<Findings> {
  const ms = effort.isQuick ? 200 : 10_000;
  const calm = await a.worker.ask<number[]>('pings', { to: b.id, ms });
  effort.tell('lanes: measured without load');
  const load = (to: string): Flood => ({ to, bytes: MIB, inFlight: 8, ms });
  const [busy, there, back] = await Promise.all([
    a.worker.ask<number[]>('pings', { to: b.id, ms }),
    a.worker.ask<number>('flood', load(b.id)),
    b.worker.ask<number>('flood', load(a.id)),
  ]);
  effort.tell('lanes: measured under load');
  const largeBytes = (effort.isQuick ? 4 : 64) * MIB;
  const beside: number[] = [];
  for (let round = 0; round < effort.rounds; round++)
    beside.push(...(await a.worker.ask<number[]>('smallBeside', { to: b.id, bytes: largeBytes })));
  effort.tell('lanes: measured beside a large payload');
  const held = await heldUp(effort, a, b);
  const suspected = (await a.worker.ask<number>('suspected')) + (await b.worker.ask<number>('suspected'));
  const p99 = percentile(busy, 0.99);
  const growth = Math.max(...held.map(({ earlyMib, lateMib }) => lateMib - earlyMib));
  return {
    title: 'Lanes and back-pressure',
    about: ABOUT,
    tables: [
      {
        caption: `Milliseconds; under load ${Math.round((there + back) / (ms / 1000))} MiB/s went over the wire`,
        head: ['', 'p50', 'p99', 'max', 'count'],
        rows: [
          row('ping, no load', calm),
          row('ping, under load', busy),
          row('64 B beside a large payload', beside),
        ],
      },
      {
        caption: `Resident memory in MiB while a handler stands still for ${held[0]!.ms / 1000} s`,
        head: ['', 'after a fifth of the time', 'at the end'],
        rows: held.map(({ who, earlyMib, lateMib }) => [who, earlyMib.toFixed(0), lateMib.toFixed(0)]),
      },
    ],
    plots: [],
    goals: [
      { what: 'ping under load, p99', wanted: '< 20 ms', measured: `${p99.toFixed(1)} ms`, isMet: p99 < 20 },
      {
        what: 'suspicions under all this load',
        wanted: '0',
        measured: String(suspected),
        isMet: suspected === 0,
      },
      {
        what: 'memory that is added while a reader stands still',
        wanted: 'none: below 16 MiB',
        measured: `${growth.toFixed(0)} MiB`,
        isMet: growth < 16,
      },
    ],
  };
}

async function heldUp(effort: Effort, a: Node, b: Node) {
  const ms = effort.isQuick ? 300 : 60_000;
  await b.worker.ask('holdUp', true);
  const pushing = a.worker.ask<number[]>('pushAgainst', { to: b.id, ms });
  await sleep(ms / 5);
  const early = await b.worker.ask<number>('rss');
  await sleep((ms * 3) / 4);
  const late = await b.worker.ask<number>('rss');
  const sender = await pushing;
  await b.worker.ask('holdUp', false);
  effort.tell('lanes: measured against a handler that stands still');
  return [
    { who: 'the sender', ms, earlyMib: sender[Math.floor(sender.length / 5)]!, lateMib: sender.at(-1)! },
    { who: 'the recipient', ms, earlyMib: early, lateMib: late },
  ];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function percentile(values: readonly number[], share: number): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    share,
  );
}

function row(what: string, values: readonly number[]): string[] {
  const { median, max, count } = sampleOf(values);
  return [what, median.toFixed(2), percentile(values, 0.99).toFixed(2), max.toFixed(2), String(count)];
}
