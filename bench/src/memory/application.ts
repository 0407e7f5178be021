import { machineMs, pause } from '../membership/machine-clock.js';
import { NodeGroup } from '../membership/node-group.js';
import { Worker } from '../workers.js';

const JOIN_WITHIN_MS = 150_000;
const PROCESSES = 4;

/** Resident memory of idle Nest applications, in bytes, one figure per process. */
export interface ApplicationFigures {
  readonly withModule: readonly number[];
  readonly without: readonly number[];
}

/**
 * Starts as many applications of each kind, side by side. Those with the module are nodes of one cluster, with as many
 * others in other processes as it takes.
 */
export async function measureApplications(
  nodes: number,
  applications: number,
  restMs: number,
): Promise<ApplicationFigures> {
  const group = await NodeGroup.start({ processes: PROCESSES, nodes: nodes - applications });
  const withModule: Worker[] = [];
  const without: Worker[] = [];
  try {
    const seeds = group.seeds(3);
    await group.joinByAndBy(seeds, JOIN_WITHIN_MS);
    while (withModule.length < applications) {
      withModule.push(await start(`with ${withModule.length + 1}`, seeds));
      without.push(await start(`without ${without.length + 1}`, undefined));
    }
    await untilJoined(withModule, nodes);
    await pause(restMs);
    return { withModule: await sizes(withModule), without: await sizes(without) };
  } finally {
    await Promise.all([...withModule, ...without].map((worker) => worker.end()));
    await group.end();
  }
}

async function start(name: string, seeds: readonly string[] | undefined): Promise<Worker> {
  const worker = await Worker.start(name, new URL('./application-worker.js', import.meta.url));
  try {
    await worker.ask('start', seeds);
  } catch (error) {
    await worker.end();
    throw error;
  }
  return worker;
}

async function untilJoined(workers: readonly Worker[], nodes: number): Promise<void> {
  const endMs = machineMs() + JOIN_WITHIN_MS;
  for (;;) {
    const members = await Promise.all(workers.map((worker) => worker.ask<number>('members')));
    if (members.every((count) => count === nodes)) return;
    if (machineMs() >= endMs)
      throw new Error(`The applications see ${members.join(', ')} members, not ${nodes}`);
    await pause(100);
  }
}

function sizes(workers: readonly Worker[]): Promise<number[]> {
  return Promise.all(workers.map((worker) => worker.ask<number>('rss')));
}
