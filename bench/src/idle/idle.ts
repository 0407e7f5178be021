import { spawnSync } from 'node:child_process';
import { inFigures } from '../membership/text.js';
import type { Effort, Findings, Goal, Plot, Suite, Table } from '../suite.js';
import { Worker } from '../workers.js';
import type { ContenderName } from './contenders.js';
import type { IdleCost, IdleFigures, IdleOrder } from './measure.js';

const CONTENDERS: readonly ContenderName[] = ['ClusterPack', 'bare ping, kept', 'bare ping, fresh'];
/** Above this, connections between all of them are more than a process can open. */
const MAX_KEPT = 128;
/** 512 join too slowly on two processors to be measured each time: add it to see. */
const SIZES: readonly number[] = [16, 128, 512];
/** The links of so many fit the file descriptors of a process (20,000 at the least). */
const NODES_PER_PROCESS = 64;
const PROCESSES = 4;
/** Joining, both counts and all that lies between them. */
const ANSWER_MS = 900_000;

const BYTES_TO_BARE = 1.2;
const BYTES_TO_SMALL = 1.1;
const BYTES_TO_FRESH = 1.3;
const CPU_TO_BARE = 2;

type Times = Pick<IdleOrder, 'restMs' | 'windowMs' | 'settleMs'>;
type Figure = 'bytesPerSecond' | 'cpuPerSecond';

/** One contender at one size. */
interface Case {
  readonly contender: ContenderName;
  readonly nodes: number;
  /** Undefined when they did not come to see each other: what the others cost is worth knowing all the same. */
  readonly cost: IdleCost | undefined;
}

/** What nodes cost that have nothing to do but to watch each other. */
export const idle: Suite = { name: 'idle', run };

async function run({ isQuick, tell }: Effort): Promise<readonly Findings[]> {
  const sizes = isQuick ? [8] : SIZES;
  const times: Times = isQuick
    ? { restMs: 100, windowMs: 300, settleMs: 0 }
    : { restMs: 10_000, windowMs: 20_000, settleMs: 240_000 };
  const { measurer, isPrivate } = await startMeasurer();
  const cases: Case[] = [];
  try {
    for (const nodes of sizes)
      for (const contender of CONTENDERS) {
        if (contender === 'bare ping, kept' && nodes > MAX_KEPT) continue;
        const processes = Math.max(PROCESSES, nodes / NODES_PER_PROCESS);
        const order: IdleOrder = { contender, nodes, processes, ...times };
        const cost = await measured(measurer, order);
        cases.push({ contender, nodes, cost });
        tell(
          cost === undefined
            ? `${contender}, ${nodes} nodes: not all see all`
            : `${contender}, ${nodes} nodes: ${told(cost.rested)}; settled: ${told(cost.settled)}`,
        );
      }
  } finally {
    await measurer.end();
  }
  return [
    {
      title: 'Idle cost',
      about: about(isPrivate, times),
      tables: [table(cases)],
      plots: [
        plot(cases, sizes, 'idle-bytes', 'Loopback bytes of an idle node', 'B/s', 'bytesPerSecond'),
        plot(cases, sizes, 'idle-cpu', 'Processor time of an idle node', 'µs/s', 'cpuPerSecond'),
      ],
      goals: goals(cases),
    },
  ];
}

async function measured(measurer: Worker, order: IdleOrder): Promise<IdleCost | undefined> {
  try {
    return await measurer.ask<IdleCost>('measure', order, ANSWER_MS);
  } catch (error) {
    if (error instanceof Error && error.message.includes('in vain until')) return undefined;
    throw error;
  }
}

function told({ bytesPerSecond, cpuPerSecond, links }: IdleFigures): string {
  const figures = `${inFigures(bytesPerSecond)} B/s, ${inFigures(cpuPerSecond)} µs/s`;
  return links === undefined ? figures : `${figures}, ${inFigures(links)} links`;
}

/** In a network namespace of its own, where this machine allows that. */
async function startMeasurer(): Promise<{ measurer: Worker; isPrivate: boolean }> {
  const module = new URL('./measurer-worker.js', import.meta.url);
  if (spawnSync('unshare', ['-rn', 'true']).status !== 0)
    return { measurer: await Worker.start('idle', module), isPrivate: false };
  const measurer = await Worker.start('idle', module, [], ['-rn', process.execPath], 'unshare');
  try {
    await measurer.ask('raiseLoopback');
    return { measurer, isPrivate: true };
  } catch {
    await measurer.end();
    return { measurer: await Worker.start('idle', module), isPrivate: false };
  }
}

function about(isPrivate: boolean, { restMs, windowMs }: Times): string {
  return [
    `Nodes over ${PROCESSES} processes (8 from n = 512 on) join by and by, see each other, rest for ${restMs / 1000} s, and are then left alone for ${windowMs / 1000} s; the preset is \`lan\`.`,
    'A node opens links as its probes need them and keeps up to 256: `settled` is counted once it has them all, in as long a time again.',
    'Bytes are those that the loopback interface has delivered, by node: packets with all their headers, and TCP’s own acknowledgements.',
    isPrivate
      ? 'The processes have a network namespace of their own, so nothing else is counted.'
      : 'This machine allows no private network namespace: whatever else used the loopback is counted too.',
    'Processor time is that of the processes, user and system.',
    'Beside it stands the least that could watch others over TCP: each node sends 16 bytes a second to any other, which answers with 16; over connections between all of them that were opened before (kept), or over a new one for each ping (fresh).',
    `Kept connections between more than ${MAX_KEPT} nodes are more than the processes can open.`,
  ].join(' ');
}

function table(cases: readonly Case[]): Table {
  return {
    head: ['contender', 'nodes', 'bytes per node and second', 'processor µs per node and second', 'links'],
    rows: cases.flatMap(({ contender, nodes, cost }) => {
      if (cost === undefined) return [[contender, String(nodes), 'not all see all', '–', '–']];
      const { rested, settled } = cost;
      if (contender !== 'ClusterPack') return [row(contender, nodes, settled)];
      return [row(`${contender}, rested`, nodes, rested), row(`${contender}, settled`, nodes, settled)];
    }),
  };
}

function row(name: string, nodes: number, figures: IdleFigures): readonly string[] {
  const { bytesPerSecond, cpuPerSecond, links } = figures;
  return [
    name,
    String(nodes),
    inFigures(bytesPerSecond),
    inFigures(cpuPerSecond),
    links === undefined ? '–' : inFigures(links),
  ];
}

function plot(
  cases: readonly Case[],
  sizes: readonly number[],
  name: string,
  title: string,
  unit: string,
  figure: Figure,
): Plot {
  return {
    name,
    title,
    kind: 'bar',
    yLabel: unit,
    series: CONTENDERS.map((contender) => ({
      name: contender,
      points: sizes.map((nodes) => [`n = ${nodes}`, found(cases, contender, nodes, figure) ?? 0]),
    })),
  };
}

function found(
  cases: readonly Case[],
  contender: ContenderName,
  nodes: number,
  figure: Figure,
): number | undefined {
  return cases.find((one) => one.contender === contender && one.nodes === nodes)?.cost?.settled[figure];
}

function goals(cases: readonly Case[]): readonly Goal[] {
  const own = (nodes: number, figure: Figure): number | undefined =>
    found(cases, 'ClusterPack', nodes, figure);
  return [
    goal(
      'Idle bytes at n = 128 to those of the bare ping on kept connections',
      own(128, 'bytesPerSecond'),
      found(cases, 'bare ping, kept', 128, 'bytesPerSecond'),
      BYTES_TO_BARE,
    ),
    goal(
      'Idle bytes at n = 128 to those at n = 16',
      own(128, 'bytesPerSecond'),
      own(16, 'bytesPerSecond'),
      BYTES_TO_SMALL,
    ),
    goal(
      'Idle bytes at n = 512 to those of the bare ping on fresh connections',
      own(512, 'bytesPerSecond'),
      found(cases, 'bare ping, fresh', 512, 'bytesPerSecond'),
      BYTES_TO_FRESH,
    ),
    goal(
      'Idle processor time at n = 128 to that of the bare ping on kept connections',
      own(128, 'cpuPerSecond'),
      found(cases, 'bare ping, kept', 128, 'cpuPerSecond'),
      CPU_TO_BARE,
    ),
  ];
}

function goal(what: string, own: number | undefined, other: number | undefined, most: number): Goal {
  if (own === undefined || other === undefined)
    return { what, wanted: `≤ ${most.toFixed(1)} ×`, measured: 'no figure', isMet: false };
  const ratio = own / other;
  return {
    what,
    wanted: `≤ ${most.toFixed(1)} ×`,
    measured: `${ratio.toFixed(2)} × (${inFigures(own)} to ${inFigures(other)})`,
    isMet: ratio <= most,
  };
}
