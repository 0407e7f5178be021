import { machineMs, pause } from '../membership/machine-clock.js';
import { startContender, type Contender, type ContenderName } from './contenders.js';
import { loopbackBytes } from './loopback.js';

const LOOK_MS = 1000;

/** What is measured, and for how long. */
export interface IdleOrder {
  readonly contender: ContenderName;
  readonly nodes: number;
  readonly processes: number;
  /** From the moment when all see all. */
  readonly restMs: number;
  readonly windowMs: number;
  /** How long the contender may then take until it opens no more connections that stay. */
  readonly settleMs: number;
}

/** Per node. */
export interface IdleFigures {
  readonly bytesPerSecond: number;
  /** Processor time, user and system: microseconds per second. */
  readonly cpuPerSecond: number;
  /** Connections that stay, at the end; undefined where there are none. */
  readonly links: number | undefined;
}

/** What nodes cost while nothing happens. */
export interface IdleCost {
  /** After the rest. */
  readonly rested: IdleFigures;
  /** With all connections that it keeps. The same figures where it had them already. */
  readonly settled: IdleFigures;
}

/** Starts nodes, lets them rest, and then counts. */
export async function measureIdle(order: IdleOrder): Promise<IdleCost> {
  const { contender, nodes, processes, restMs, settleMs } = order;
  const running = await startContender(contender, nodes, processes);
  try {
    await pause(restMs);
    const wasSettled = await running.isSettled();
    const rested = await count(running, order);
    if (wasSettled) return { rested, settled: rested };
    const endMs = machineMs() + settleMs;
    while (!(await running.isSettled()) && machineMs() < endMs) await pause(LOOK_MS);
    return { rested, settled: await count(running, order) };
  } finally {
    await running.end();
  }
}

async function count(running: Contender, { nodes, windowMs }: IdleOrder): Promise<IdleFigures> {
  const before = await snapshot(running);
  await pause(windowMs);
  const after = await snapshot(running);
  const nodeSeconds = (nodes * (after.atMs - before.atMs)) / 1000;
  return {
    bytesPerSecond: (after.bytes - before.bytes) / nodeSeconds,
    cpuPerSecond: (after.cpu - before.cpu) / nodeSeconds,
    links: await running.links(),
  };
}

interface Snapshot {
  readonly atMs: number;
  readonly bytes: number;
  readonly cpu: number;
}

async function snapshot({ workers }: Contender): Promise<Snapshot> {
  const cpus = await Promise.all(workers.map((worker) => worker.cpu()));
  return { atMs: machineMs(), bytes: loopbackBytes(), cpu: cpus.reduce((sum, cpu) => sum + cpu, 0) };
}
