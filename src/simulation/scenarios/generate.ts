import { resolveSwimOptions, type SwimOptions, type SwimOverrides } from '../../membership/swim/options.js';
import { Random } from '../random.js';
import type { ScheduledFault } from './fault.js';
import * as calmThemes from './calm-themes.js';
import * as networkThemes from './network-themes.js';
import * as nodeThemes from './node-themes.js';
import { nodeNames, type Scenario, type ScenarioOptions } from './scenario.js';
import { Stage } from './stage.js';

/**
 * A probe, its relay and two rounds of gossip. A pool of fewer links closes them while acks are on their way, and then
 * members that are well are suspected (seed 30261188 with 2); no option of a node goes that low.
 */
const LEAST_LINKS = 8;

/** What may be asked of a generated scenario. */
export interface GenerateOptions {
  /** The least and the most nodes. */
  readonly nodes: readonly [number, number];
}

type Themes = Readonly<Record<string, (stage: Stage) => void>>;

const troubles: Themes = { ...networkThemes, ...nodeThemes };

/** All that a scenario can be about. */
export const themes: Themes = { ...troubles, ...calmThemes };

/** How many scenarios are about one thing without trouble. */
const CALM_SHARE = 0.06;

/** Between the last fault and peace. */
const AFTERWARDS_MS = 1000;

/**
 * Draws a scenario: size, options, one to three themes and their faults. All follows from the seed and the given range
 * of sizes, and is valid whatever the seed.
 */
export function generateScenario(seed: number, { nodes: [min, max] }: GenerateOptions): Scenario {
  const random = new Random(seed).fork();
  // Small clusters are where the corners are, so they are drawn more often.
  const nodes = Math.min(max, Math.floor(min * ((max + 1) / min) ** random.next()));
  const options = drawOptions(random, nodes);
  const swim = resolveSwimOptions(options.preset, options.swim);
  const isForgetful = options.swim?.tombstoneMs !== undefined;
  const spanMs =
    (30_000 * 6 ** random.next() * swim.probeIntervalMs) / 1000 / (options.preset === 'wan' ? 2 : 1);
  const stage = new Stage(random.fork(), nodeNames(nodes), spanMs, swim);
  const chosen = stage.some(1, 3, Object.keys(troubles));
  // Forgetting shows only in those who were away for long.
  const trouble = isForgetful && !chosen.includes('longAbsence') ? [...chosen, 'longAbsence'] : chosen;
  const about = random.chance(CALM_SHARE) ? [random.pick(Object.keys(calmThemes))] : trouble;
  for (const theme of about) themes[theme]!(stage);
  const { schedule } = stage;
  return {
    seed,
    nodes,
    themes: about,
    options,
    schedule,
    runForMs: endOf(schedule) + AFTERWARDS_MS,
    settleWithinMs: settleWithinMs(nodes, swim),
  };
}

/** By then the last fault of a schedule has ended by itself, in virtual milliseconds since its beginning. */
export function endOf(schedule: readonly ScheduledFault[]): number {
  return schedule.reduce((endMs, { atMs, fault }) => {
    if (fault.kind === 'flap') return Math.max(endMs, atMs + fault.times * (fault.downMs + fault.upMs));
    if (fault.kind === 'stall' || fault.kind === 'block-io' || fault.kind === 'suspend') {
      return Math.max(endMs, atMs + fault.ms);
    }
    return Math.max(endMs, atMs);
  }, 0);
}

/** Max suspicion: what a false accusation may last (Lifeguard §IV-B). */
export function maxSuspicionMs(nodes: number, swim: SwimOptions): number {
  return swim.suspicionBeta * swim.suspicionAlpha * Math.max(1, Math.log10(nodes)) * swim.probeIntervalMs;
}

/** The least tombstone time that its documentation allows: below it, old news brings the dead back. */
export function leastTombstoneMs(nodes: number, swim: SwimOptions): number {
  const disseminationMs = 4 * Math.ceil(Math.log2(nodes + 1)) * swim.gossipIntervalMs;
  return 2 * (maxSuspicionMs(nodes, swim) + swim.syncIntervalMs + disseminationMs);
}

/**
 * Agreement is brought by suspicions that end, by syncs, and by attempts to heal, of which several may be needed: each
 * meets one random lost address, and the links of before come back slowly.
 */
function settleWithinMs(nodes: number, swim: SwimOptions): number {
  const { healIntervalMs, syncIntervalMs, maxSyncSpacingMs } = swim;
  return Math.round(
    120_000 +
      12 * healIntervalMs +
      3 * maxSuspicionMs(nodes, swim) +
      4 * Math.max(syncIntervalMs, maxSyncSpacingMs),
  );
}

function drawOptions(random: Random, nodes: number): ScenarioOptions {
  const preset = random.pick(['lan', 'lan', 'lan', 'lan', 'lan', 'lan', 'local', 'wan'] as const);
  const swim = drawOverrides(random, nodes, preset);
  return {
    preset,
    swim: Object.keys(swim).length === 0 ? undefined : swim,
    wire: random.chance(0.12) ? true : undefined,
    start: nodes <= 16 && random.chance(0.3) ? 'one-by-one' : 'together',
    maxLinks: random.chance(0.15) ? LEAST_LINKS + random.int(10) : undefined,
  };
}

/** Most runs are with the defaults; the others turn one or two screws that still let views agree. */
function drawOverrides(random: Random, nodes: number, preset: 'lan' | 'local' | 'wan'): SwimOverrides {
  if (random.chance(0.55)) return {};
  const screws: readonly (() => SwimOverrides)[] = [
    () => ({ capConfirmations: false }),
    () => ({ gossipFanout: random.pick([0, 1]) }),
    () => ({ retransmitMultiplier: 1 }),
    () => ({ maxPiggybackUpdates: 2 + random.int(4) }),
    () => ({ maxPageBytes: 512 }),
    () => ({ maxForwardsPerInterval: 2 }),
    () => ({ indirectProbes: random.pick([1, 5]) }),
    () => ({ conflictMs: 10_000 }),
    () => ({ suspicionAlpha: 1, suspicionBeta: 2 }),
    () => ({ maxLocalHealth: 2 }),
    () => drawSmallTombstone(nodes, preset),
    () => drawSmallTombstone(nodes, preset),
    () => drawSmallTombstone(nodes, preset),
    () => ({
      components: {
        [random.pick([
          'lhaProbe',
          'lhaSuspicion',
          'buddy',
          'hardEvidence',
          'freshConnection',
          'eventLoopAwareness',
        ] as const)]: false,
      },
    }),
  ];
  return random.chance(0.7) ? random.pick(screws)() : { ...random.pick(screws)(), ...random.pick(screws)() };
}

/** About the least that its documentation allows, so that members are forgotten while we look. */
function drawSmallTombstone(nodes: number, preset: 'lan' | 'local' | 'wan'): SwimOverrides {
  if (preset === 'wan') return {};
  const screws = { suspicionAlpha: 2, suspicionBeta: 3, syncIntervalMs: 8000, healIntervalMs: 5000 } as const;
  const swim = resolveSwimOptions(preset, screws);
  return { ...screws, tombstoneMs: Math.ceil(leastTombstoneMs(nodes, swim) * 1.05) };
}
