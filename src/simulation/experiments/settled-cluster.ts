import type { SwimMessage } from '../../membership/swim/messages.js';
import type { Simulation } from '../simulation.js';
import { periodMs, type Series } from './protocols.js';

/** By then what the joins have set off is over, in periods: the longest dissemination of the SWIM paper's setups. */
const REST_PERIODS = 25;

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
