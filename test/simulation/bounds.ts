import { resolveSwimOptions } from '../../src/membership/swim/options.js';

/** What a test may expect of a cluster of n nodes, in milliseconds, from the formulas of decisions 10. Preset lan. */
const { probeIntervalMs, suspicionAlpha, suspicionBeta, gossipIntervalMs } = resolveSwimOptions('lan');

/** Min: the shortest suspicion. */
export function minSuspicionMs(nodes: number): number {
  return suspicionAlpha * Math.max(1, Math.log10(nodes)) * probeIntervalMs;
}

/** Max: the longest suspicion. */
export function maxSuspicionMs(nodes: number): number {
  return suspicionBeta * minSuspicionMs(nodes);
}

/** By then an update has reached everybody: four times the rounds that an epidemic needs. */
export function disseminationMs(nodes: number): number {
  return 4 * Math.ceil(Math.log2(nodes + 1)) * gossipIntervalMs;
}

/** By then a silent death is known everywhere: found within a few periods, suspected, spread. */
export function silentDeathMs(nodes: number): number {
  return 4 * probeIntervalMs + maxSuspicionMs(nodes) + disseminationMs(nodes);
}
