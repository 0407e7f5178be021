import { NodeGroup } from '../membership/node-group.js';
import { Worker } from '../workers.js';
import type { BareKind } from './bare-ping.js';

/** For each step of a group that joins by and by. */
const JOIN_WITHIN_MS = 60_000;
/** A node keeps 256 links; a few are always being replaced. */
const FULL_POOL = 250;

export type ContenderName = 'ClusterPack' | 'bare ping, kept' | 'bare ping, fresh';

/** Nodes that are left alone, over several processes. Whoever starts them ends them. */
export interface Contender {
  readonly workers: readonly Worker[];
  /** Connections per node that stay; undefined where none do. */
  links(): Promise<number | undefined>;
  /** Whether there are as many of them as it keeps. */
  isSettled(): Promise<boolean>;
  end(): Promise<void>;
}

export function startContender(name: ContenderName, nodes: number, processes: number): Promise<Contender> {
  if (name === 'ClusterPack') return startNodes(nodes, processes);
  return startBare(name === 'bare ping, kept' ? 'kept' : 'fresh', nodes, processes);
}

async function startNodes(nodes: number, processes: number): Promise<Contender> {
  const group = await NodeGroup.start({ processes, nodes });
  try {
    await group.joinByAndBy(group.seeds(3), JOIN_WITHIN_MS);
  } catch (error) {
    await group.end();
    throw error;
  }
  const workers = group.processes.map(({ worker }) => worker);
  const links = async (): Promise<number> => {
    const counts = await Promise.all(workers.map((worker) => worker.ask<number>('links')));
    return counts.reduce((sum, count) => sum + count, 0) / nodes;
  };
  return {
    workers,
    links,
    isSettled: async () => (await links()) >= Math.min(nodes - 1, FULL_POOL),
    end: () => group.end(),
  };
}

async function startBare(kind: BareKind, nodes: number, processes: number): Promise<Contender> {
  const workers: Worker[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.end()));
  };
  try {
    while (workers.length < processes)
      workers.push(
        await Worker.start(`bare ${workers.length + 1}`, new URL('./bare-worker.js', import.meta.url)),
      );
    const count = nodes / processes;
    const places = await Promise.all(
      workers.map((worker) => worker.ask<number[]>('listen', { kind, count })),
    );
    const ports = places.flat();
    await Promise.all(workers.map((worker, i) => worker.ask('start', { ports, own: places[i] })));
  } catch (error) {
    await end();
    throw error;
  }
  return {
    workers,
    links: () => Promise.resolve(kind === 'kept' ? nodes - 1 : undefined),
    isSettled: () => Promise.resolve(true),
    end,
  };
}
