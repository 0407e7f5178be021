import type { SwimOptions } from '../../membership/swim/options.js';

/**
 * What the rules about time compare with, in milliseconds. Written from the papers and from decisions.md, on purpose not
 * from `swim/formulas.ts`, which is what they check.
 */

/** The kernel's longest wait before it sends again on a link that was cut. */
export const MAX_RETRANSMIT_MS = 120_000;

/** What a rule about elapsed time leaves for rounding, for crossings of the network and for the step between two looks. */
export const SLACK_MS = 2000;

/** Min = α · max(1, log10 n) · T′. Lifeguard §IV-B with memberlist's floor. */
export function shortestSuspicionMs(options: SwimOptions, n: number): number {
  return options.probeIntervalMs * options.suspicionAlpha * Math.max(1, Math.log10(n));
}

/** Max = β · Min; Min where LHA-Suspicion is off. */
export function longestSuspicionMs(options: SwimOptions, n: number): number {
  const beta = options.components.lhaSuspicion ? options.suspicionBeta : 1;
  return beta * shortestSuspicionMs(options, n);
}

/** Max − (Max − Min) · log(C + 1) / log(K + 1), not below Min; Min where K < 1. Lifeguard §IV-B. */
export function suspicionMs(
  options: SwimOptions,
  n: number,
  confirmations: number,
  expected: number,
): number {
  const min = shortestSuspicionMs(options, n);
  const max = longestSuspicionMs(options, n);
  if (expected < 1) return min;
  return Math.max(min, max - ((max - min) * Math.log10(confirmations + 1)) / Math.log10(expected + 1));
}

/** λ · ⌈log10(n + 1)⌉: how often a node sends one update. SWIM §4.1, the base is memberlist's. */
export function sendsPerUpdate(options: SwimOptions, n: number): number {
  return options.retransmitMultiplier * Math.ceil(Math.log10(n + 1));
}

/**
 * Rounds of one observer within which it probes a given member and has judged it: two selections lie at most 2n − 1
 * rounds apart (SWIM §4.3), the probe takes the round after, and two are left for probes that were under way.
 */
export function detectionRounds(n: number): number {
  return 2 * n + 2;
}

/**
 * The longest that a probe takes to fail: with local health S it has S + 1 intervals. Its timeout grows likewise, and the
 * relays that it asks then have one timeout more. Lifeguard §IV-A.
 */
export function longestProbeMs(options: SwimOptions): number {
  const { probeIntervalMs, probeTimeoutMs, maxLocalHealth } = options;
  return Math.max((maxLocalHealth + 1) * probeIntervalMs, (maxLocalHealth + 2) * probeTimeoutMs);
}

/**
 * How long after a disturbance a node may pass over a failed probe: it syncs first, with up to three members that may all
 * be dead, before it judges anybody (decisions 8).
 */
export function warmUpMs(options: SwimOptions): number {
  return 3 * options.syncTimeoutMs + 2 * options.probeIntervalMs;
}

/**
 * How long n nodes may disagree in a calm network, apart from the time until a healer meets a lost member, which is
 * chance and counted by {@link MEETINGS_EXPECTED}. The sum of what may follow each other:
 *
 * - links that were cut come back after up to as long again, at most 120 s;
 * - a node with local health S needs S clean probes, (S + 1) + S + … + 1 intervals;
 * - a suspicion from before runs to its end and is a verdict, which its subject meets within one traversal of its
 *   accuser's probe list, 2n − 1 rounds, and refutes; another suspicion of it may have begun meanwhile;
 * - what differs still is found by digests: the spacing of syncs has grown to its maximum, jittered by 25 %, three in a row
 *   may meet a busy peer; then the periodic one (±10 %) in two directions;
 * - each sync's hearsay is verified within a probe interval and spreads with the gossip, (λ + 1) · log n rounds.
 */
export function agreementMs(options: SwimOptions, n: number, longestCutMs: number): number {
  const { probeIntervalMs: interval, maxLocalHealth: s } = options;
  const recovery = (((s + 1) * (s + 2)) / 2) * interval;
  const traversal = (2 * n - 1) * interval;
  const syncs = 3 * 1.25 * options.maxSyncSpacingMs + 2 * 1.1 * options.syncIntervalMs;
  return (
    Math.min(MAX_RETRANSMIT_MS, longestCutMs) +
    recovery +
    2 * (longestSuspicionMs(options, n) + traversal) +
    syncs +
    3 * options.syncTimeoutMs +
    spreadMs(options, n) +
    SLACK_MS
  );
}

/**
 * How long after a leave in a calm network everybody must have heard of it: the leaver has told three, or given up, and
 * gossip has brought it to all, (λ + 1) · log n rounds.
 */
export function leftEverywhereMs(options: SwimOptions, n: number): number {
  return options.leaveTimeoutMs + spreadMs(options, n) + SLACK_MS;
}

function spreadMs(options: SwimOptions, n: number): number {
  const { retransmitMultiplier, gossipIntervalMs, probeIntervalMs } = options;
  const rounds = (retransmitMultiplier + 1) * Math.ceil(Math.log2(n + 1));
  return rounds * Math.max(gossipIntervalMs, probeIntervalMs / 2);
}

/**
 * How many meetings of two islands that know of each other have to be expected before they must have met.
 *
 * A healer's try meets a living member of another island with probability p, its share of all that this node has lost;
 * tries are independent, so after tries with Σp = x none has met anybody with probability Π(1 − p) ≤ e^−x, and
 * e^−21 < 1e-9. Tries are at most 1.5 healing intervals apart.
 */
export const MEETINGS_EXPECTED = 21;

/**
 * Messages that one node causes in a steady cluster within `spanMs`, answers included: a ping and its ack a round, a
 * periodic sync of up to four messages, a healing attempt of up to four, each with one more at the edge of the span.
 * Nothing in it depends on n.
 */
export function steadyMessages(options: SwimOptions, spanMs: number): number {
  const { probeIntervalMs, syncIntervalMs, healIntervalMs } = options;
  const syncs = syncIntervalMs > 0 ? spanMs / (0.9 * syncIntervalMs) + 1 : 0;
  return 2 * (spanMs / probeIntervalMs + 1) + 4 * syncs + 4 * (spanMs / (0.5 * healIntervalMs) + 1);
}

/**
 * The longest crossing at which a probe is still answered in time by whoever is well: a fresh dial takes four crossings, the
 * ping and its ack two, and a dial is given up after 1 s.
 */
export function calmLatencyMs(options: SwimOptions): number {
  return Math.min(200, options.probeTimeoutMs / 10);
}
