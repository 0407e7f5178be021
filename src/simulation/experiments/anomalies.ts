import type { SwimMessage } from '../../membership/swim/messages.js';
import { Random } from '../random.js';
import type { Simulation } from '../simulation.js';
import type { Experiment } from './experiment.js';
import type { Series } from './protocols.js';

/** How long a cluster has to settle before the first anomaly, ms. Lifeguard §V-C. */
export const SETTLE_MS = 15_000;

/** What both of Lifeguard's experiments take: one size, how many members are slow, and for how long. */
export const SLOW_MEMBERS = {
  nodes: 'one',
  runs: 'one',
  anomalies: 'several',
  duration: 'several',
} as const satisfies Experiment['takes'];

/** Lifeguard's whole grid. */
export const PAPER_ANOMALIES = [1, 4, 8, 12, 16, 20, 24, 28, 32];
export const PAPER_DURATIONS_MS = [128, 512, 2048, 8192, 16_384, 32_768];
export const PAPER_INTERVALS_MS = [1, 4, 16, 64, 256, 1024, 4096, 16_384];

/** So many different members, by a seed of their own. */
export function pickMembers(names: readonly string[], count: number, seed: number): readonly string[] {
  const random = new Random(seed);
  const left = [...names];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [picked] = left.splice(random.int(left.length), 1);
    return picked!;
  });
}

/**
 * What a received or sent message costs an anomalous member, ms. Measured: a member of memberlist 0.1.3 with its LAN defaults
 * needs 180 to 250 µs of processor time to read a ping and send its ack (20,000 of them over loopback, one at a time, on a shared
 * two-core virtual machine): system calls, a buffer of 64 KiB, MessagePack by reflection, an attempt to compress.
 */
export const MESSAGE_COST_MS = 0.1;

/**
 * Datagrams in a socket's buffer. memberlist asks for 2 MiB and gets Linux's `net.core.rmem_max`, 212,992 bytes, which the kernel
 * doubles and from which it takes 768 bytes for a ping and 2304 for a full packet of gossip: 554 to 184.
 */
const SOCKET_DATAGRAMS = 300;

const DATAGRAMS: ReadonlySet<SwimMessage['type']> = new Set(['ping', 'ack', 'pingReq', 'relayed', 'gossip']);

/** From now on these members need time for what piles up. A paper's has datagrams; this library has TCP, which loses none. */
export function pace(
  cluster: Simulation<SwimMessage>,
  names: readonly string[],
  { isPapers }: Series,
  messageCostMs: number,
): void {
  for (const name of names) {
    cluster.node(name).gate.setPace(
      isPapers
        ? {
            messageCostMs,
            isDatagram: (message) => DATAGRAMS.has((message as SwimMessage).type),
            maxDatagrams: SOCKET_DATAGRAMS,
          }
        : { messageCostMs },
    );
  }
}

/**
 * Links every pair. The papers' protocols send datagrams, which need no connection; here a member that is anomalous could
 * reach only those with whom it had happened to speak before, as the answer to its dial would wait at its gate.
 */
export function linkAll(cluster: Simulation<SwimMessage>): void {
  const nodes = cluster.names.map((name) => cluster.node(name));
  for (const [at, from] of nodes.entries())
    for (const to of nodes.slice(at + 1)) from.send(to.self, { type: 'unknown', code: 0 });
}
