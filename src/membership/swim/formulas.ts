import type { SwimOptions } from './options.js';

/** What suspicions and dissemination are computed from; n counts alive and suspect members, this one included. */

/** The shortest suspicion, ms: Min = α · max(1, log10 n) · probe interval. Lifeguard §IV-B, floor as in memberlist. */
export function minSuspicionMs(options: SwimOptions, n: number): number {
  return options.suspicionAlpha * Math.max(1, Math.log10(Math.max(1, n))) * options.probeIntervalMs;
}

/** The longest suspicion, ms: Max = β · Min; Min when suspicions are fixed. */
export function maxSuspicionMs(options: SwimOptions, n: number): number {
  return minSuspicionMs(options, n) * (options.components.lhaSuspicion ? options.suspicionBeta : 1);
}

/** K, the confirmations that bring a suspicion down to Min: no more than there are `confirmers` to give one. */
export function expectedConfirmations(options: SwimOptions, confirmers: number): number {
  return options.capConfirmations
    ? Math.min(options.suspicionConfirmations, confirmers)
    : options.suspicionConfirmations;
}

/**
 * How long a suspicion waits for its refutation, in milliseconds.
 *
 * Starts at `maxMs` and falls towards `minMs` with the logarithm of the confirmations, so that one accuser is heard
 * slowly and several quickly. Source: Lifeguard §IV-B.
 */
export function suspicionTimeoutMs(
  confirmations: number,
  expected: number,
  minMs: number,
  maxMs: number,
): number {
  if (expected < 1) return minMs;
  const weight = Math.log(confirmations + 1) / Math.log(expected + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * weight);
}

/** How often a node sends one update: λ · ⌈log10(n + 1)⌉. SWIM §4.1; the base is memberlist's. */
export function retransmitLimit(multiplier: number, n: number): number {
  return multiplier * Math.ceil(Math.log10(n + 1));
}
