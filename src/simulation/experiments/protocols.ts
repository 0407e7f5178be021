import { resolveSwimOptions, type SwimOverrides, type SwimPreset } from '../../membership/swim/options.js';
import type { ExperimentOptions } from './experiment.js';

/** A protocol that is measured, by name. */
export interface Series {
  readonly name: string;
  /** Whether it stands for a paper's protocol; otherwise it is this library as it is used. */
  readonly isPapers: boolean;
  readonly preset: SwimPreset;
  readonly swim: SwimOverrides;
}

/** All that this library adds to the papers' protocol. */
const WITHOUT_ADDITIONS = {
  hardEvidence: false,
  freshConnection: false,
  eventLoopAwareness: false,
  contraryEvidence: false,
  fastRefutation: false,
  digestSync: false,
  firsthand: false,
} as const;

/** T′ of the SWIM paper, ms. */
export const SWIM_PERIOD_MS = 2000;

/** The suspicion's length in periods, and how often an update is sent: 3⌈ln(N+1)⌉ in the SWIM paper. */
export function swimCount(nodes: number): number {
  return 3 * Math.ceil(Math.log(nodes + 1));
}

/**
 * SWIM as its paper ran it: T′ = 2 s, k = 1, news on pings and acks only, ≤ 6 updates a message, fixed suspicions.
 * α and λ follow from the size, because this library's formulas have log10 n in them where the paper's figures have
 * ⌈ln(N+1)⌉.
 */
export function swimPaper(name: string, nodes: number, options: ExperimentOptions): Series {
  const periods = options.alpha ?? swimCount(nodes) / Math.max(1, Math.log10(nodes));
  return {
    name,
    isPapers: true,
    preset: 'lan',
    swim: {
      probeIntervalMs: SWIM_PERIOD_MS,
      probeTimeoutMs: SWIM_PERIOD_MS / 4,
      indirectProbes: options.relays?.[0] ?? 1,
      suspicionAlpha: periods,
      suspicionBeta: 1,
      retransmitMultiplier: swimCount(nodes) / Math.ceil(Math.log10(nodes + 1)),
      gossipFanout: 0,
      gossipOverLinksForIntervals: 0,
      syncIntervalMs: 0,
      healIntervalMs: 1e9,
      maxPiggybackUpdates: 6,
      components: {
        ...WITHOUT_ADDITIONS,
        lhaProbe: false,
        lhaSuspicion: false,
        buddy: false,
        ...options.components,
      },
    },
  };
}

/** The rows of Lifeguard's tables: which of its three components are on. */
const LIFEGUARD_ROWS = [
  { name: 'SWIM', lhaProbe: false, lhaSuspicion: false, buddy: false },
  { name: 'LHA-Probe', lhaProbe: true, lhaSuspicion: false, buddy: false },
  { name: 'LHA-Suspicion', lhaProbe: false, lhaSuspicion: true, buddy: false },
  { name: 'Buddy', lhaProbe: false, lhaSuspicion: false, buddy: true },
  { name: 'Lifeguard', lhaProbe: true, lhaSuspicion: true, buddy: true },
] as const;

/** memberlist's time between two syncs, ms: 30 s, and as much again for each doubling beyond 32 members (`pushPullScale`). */
export function memberlistSyncMs(nodes: number): number {
  return 30_000 * (1 + Math.max(0, Math.ceil(Math.log2(nodes / 32))));
}

/** Lifeguard's five configurations of memberlist: α 5; β 6 with LHA-Suspicion, 1 without. */
export function lifeguardPaper(nodes: number, options: ExperimentOptions): readonly Series[] {
  return LIFEGUARD_ROWS.map(({ name, ...switches }) => ({
    name,
    isPapers: true,
    preset: 'lan' as const,
    swim: {
      suspicionAlpha: options.alpha ?? 5,
      suspicionBeta: switches.lhaSuspicion ? (options.beta ?? 6) : 1,
      capConfirmations: false,
      syncIntervalMs: memberlistSyncMs(nodes),
      // memberlist's TCPTimeout.
      syncTimeoutMs: 10_000,
      // memberlist's GossipToTheDeadTime, and Serf's ReconnectInterval.
      gossipToLostMs: 30_000,
      healIntervalMs: 30_000,
      gossipOverLinksForIntervals: 0,
      components: { ...WITHOUT_ADDITIONS, ...switches, ...options.components },
    },
  }));
}

/** This library as it is used, with the paper's α 5 and with the preset's own. */
export function clusterPack(options: ExperimentOptions): readonly Series[] {
  const { suspicionAlpha, suspicionBeta } = resolveSwimOptions(options.preset);
  const own = { alpha: options.alpha ?? suspicionAlpha, beta: options.beta ?? suspicionBeta };
  const series = (alpha: number, beta: number): Series => ({
    name: `ClusterPack α ${alpha} β ${beta}`,
    isPapers: false,
    preset: options.preset,
    swim: { suspicionAlpha: alpha, suspicionBeta: beta, components: { ...options.components } },
  });
  const isPapersToo = own.alpha === 5 && own.beta === 6;
  return isPapersToo ? [series(5, 6)] : [series(5, 6), series(own.alpha, own.beta)];
}

/** The library's own α and β only, for experiments in which they do not matter. */
export function clusterPackOwn(options: ExperimentOptions): Series {
  return clusterPack(options).at(-1)!;
}

/** The time between two probes of a series, ms. */
export function periodMs({ preset, swim }: Series): number {
  return resolveSwimOptions(preset, swim).probeIntervalMs;
}
