import type { Shrinks } from '../scenarios/shrink.js';
import type { NodeScenario, NodeScenarioOptions } from './node-scenario.js';
import type { TrafficProfile } from './traffic.js';

const PLAIN_LATENCY = { minMs: 0.5, maxMs: 0.5 } as const;
/** Nothing is sent more rarely than this. */
const RAREST_MS = 20_000;

/** How scenarios of whole nodes are made smaller: everybody there from the start, no limits, less and plainer traffic. */
export const nodeShrinks: Shrinks<NodeScenario> = {
  plainer: (scenario) => {
    const { late, options } = scenario;
    const { wire, drains, latency } = options;
    const candidates: Partial<NodeScenarioOptions>[] = [];
    if (wire !== undefined) candidates.push({ wire: undefined });
    if (drains !== undefined) candidates.push({ drains: undefined });
    if (latency.maxMs !== PLAIN_LATENCY.maxMs) candidates.push({ latency: PLAIN_LATENCY });
    candidates.push(...fewerLimits(options.limits), ...plainerTraffic(options.traffic));
    return [
      ...(late === undefined ? [] : [{ ...scenario, late: undefined }]),
      ...candidates.map((change) => ({ ...scenario, options: { ...options, ...change } })),
    ];
  },
};

function fewerLimits(limits: NodeScenarioOptions['limits']): readonly Partial<NodeScenarioOptions>[] {
  const entries = Object.entries(limits);
  if (entries.length === 0) return [];
  const without = entries.map(([name]) => Object.fromEntries(entries.filter(([other]) => other !== name)));
  return [{}, ...(entries.length > 1 ? without : [])].map((fewer) => ({ limits: fewer }));
}

function plainerTraffic(traffic: TrafficProfile): readonly Partial<NodeScenarioOptions>[] {
  const { reader, slowShare, largeShare, burstShare, meanGapMs } = traffic;
  const changes: Partial<TrafficProfile>[] = [];
  if (burstShare > 0) changes.push({ burstShare: 0 });
  if (largeShare > 0) changes.push({ largeShare: 0 });
  if (slowShare > 0) changes.push({ slowShare: 0 });
  if (reader) changes.push({ reader: false });
  for (const times of [8, 2]) {
    if (meanGapMs * times <= RAREST_MS) changes.push({ meanGapMs: meanGapMs * times });
  }
  return changes.map((change) => ({ traffic: { ...traffic, ...change } }));
}
