import type { SwimMessage } from '../../membership/swim/messages.js';
import type { Simulation } from '../simulation.js';
import { periodMs, type Series } from './protocols.js';

/** By then what the joins have set off is over, in periods: the longest dissemination of the SWIM paper's setups. */
const REST_PERIODS = 25;

/** Between two joins. Pings and acks have to carry each of them 3⌈ln(n + 1)⌉ times, six to a message. */
const JOIN_PERIODS = 2;

/**
 * Members join one after the other, each through the one before it, as a paper's processes are started. Where the only news
 * are those that pings carry, hundreds that join at once drown each other, and some are never heard of.
 */
export function joinInTurn(cluster: Simulation<SwimMessage>, series: Series): void {
  const [first, ...joiners] = cluster.names;
  let seed = first!;
  for (const joiner of joiners) {
    cluster.join(joiner, seed).runFor(JOIN_PERIODS * periodMs(series));
    seed = joiner;
  }
}

/** Lets a cluster come to rest: all know all, and nothing is left to be told. */
export function rest(cluster: Simulation<SwimMessage>, series: Series): void {
  cluster.settle().runFor(REST_PERIODS * periodMs(series));
}

/** What all protocols have counted so far. */
export function messageCounts(cluster: Simulation<SwimMessage>): {
  readonly sent: number;
  readonly received: number;
} {
  let sent = 0;
  let received = 0;
  for (const name of cluster.names) {
    const { counters } = cluster.node(name).protocol;
    sent += counters.messagesSent ?? 0;
    received += counters.messagesReceived ?? 0;
  }
  return { sent, received };
}
