import { machineMs, pause } from '../membership/machine-clock.js';
import { startContender, type ContenderName } from './contenders.js';
import { loopbackBytes } from './loopback.js';

/** What is measured, and for how long. */
export interface IdleOrder {
  readonly contender: ContenderName;
  readonly nodes: number;
  readonly processes: number;
  /** From the moment when all see all. */
  readonly restMs: number;
  readonly windowMs: number;
}

/** Per node. */
export interface IdleFigures {
  readonly bytesPerSecond: number;
  /** Processor time, user and system: microseconds per second. */
  readonly cpuPerSecond: number;
  readonly links: number | undefined;
}

/** Starts nodes, lets them rest, and then counts what they cost while nothing happens. */
export async function measureIdle(order: IdleOrder): Promise<IdleFigures> {
  const { contender, nodes, processes, restMs, windowMs } = order;
  const running = await startContender(contender, nodes, processes);
  try {
    await pause(restMs);
    const before = await snapshot(running.workers);
    await pause(windowMs);
    const after = await snapshot(running.workers);
    const nodeSeconds = (nodes * (after.atMs - before.atMs)) / 1000;
    return {
      bytesPerSecond: (after.bytes - before.bytes) / nodeSeconds,
      cpuPerSecond: (after.cpu - before.cpu) / nodeSeconds,
      links: await running.links(),
    };
  } finally {
    await running.end();
  }
}

interface Snapshot {
  readonly atMs: number;
  readonly bytes: number;
  readonly cpu: number;
}

async function snapshot(workers: readonly { cpu(): Promise<number> }[]): Promise<Snapshot> {
  const cpus = await Promise.all(workers.map((worker) => worker.cpu()));
  return { atMs: machineMs(), bytes: loopbackBytes(), cpu: cpus.reduce((sum, cpu) => sum + cpu, 0) };
}
